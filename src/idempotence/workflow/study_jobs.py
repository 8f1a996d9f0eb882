"""From a study to the jobs of its rules, each with what the job uses and nothing else.

Snakemake compares a job's record with that of the last run, so a key that a job does not use must
not be in it: an edit of that key would make the job run again for nothing.
"""

from dataclasses import replace
from functools import cached_property

from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.sections import JudgeSection
from idempotence.jobs.audit import (
    AuditedLoop,
    JudgeRepliesJob,
    ReadRepliesJob,
    ReplySource,
    WeighRepliesJob,
)
from idempotence.jobs.loop import (
    CandidatesJob,
    FinetuneJob,
    InitialRowsJob,
    JudgeCandidatesJob,
    JudgeGeneratedJob,
    JudgeJob,
    SampleJob,
)
from idempotence.jobs.parts import JudgeSpec, Loop, Loops, PromptPool
from idempotence.objectives import ObjectiveName
from idempotence.workflow.job_parts import evaluation, generation, model_name, training
from idempotence.workflow.preparation_jobs import PreparationJobs


class StudyJobs(PreparationJobs):
    """The jobs of a study: those before the loop, and here those of the loop and of audits."""

    # --- what all rules share

    @cached_property
    def loops(self) -> Loops:
        """The settings as tables, figures and claims know them."""
        return Loops(tuple(map(self._loop, self.study.settings)), self.study.twins)

    def seeded_panels(self) -> list[StudyPanel]:
        """The panels that read seed rows of their own: a copied cycle 0 needs none."""
        copied = self.study.first_cycles
        return [
            panel
            for panel in self.study.panels()
            if panel.setting.name not in copied or panel.setting.reads_seed_rows
        ]

    # --- the loop

    def finetune(self, panel: StudyPanel, cycle: int) -> FinetuneJob:
        """For the rules finetune_<setting>."""
        section = panel.setting.section
        imitates = section.seeded_by_sft and cycle == 0
        own = training(section.training)
        return FinetuneJob(
            panel=self._panel(panel),
            cycle=cycle,
            n_seed=section.pairs_of_cycle_0,
            # later cycles may go on from its adapter, so that has one shape
            training=replace(training(self.study.sft.training), lora=own.lora) if imitates else own,
            seed_share=panel.setting.seed_share if cycle else 0.0,
            initial_share=panel.setting.initial_share if cycle else 0.0,
            accumulate=panel.setting.accumulate and cycle > 0,
            imitates=imitates,
        )

    def sample(self, panel: StudyPanel, cycle: int) -> SampleJob:
        """For rule sample."""
        setting = panel.setting
        last = cycle == setting.cycles
        return SampleJob(
            panel=self._panel(panel),
            cycle=cycle,
            prompts=self._prompts_at(setting, cycle),
            evaluation=evaluation(self.study.evaluation),
            generation=None if last else generation(setting.section.generation),
            engine=self._engine,
        )

    def sample_again(self, panel: StudyPanel) -> SampleJob:
        """For rule sample_again: other answers of cycle 0, and no data."""
        return replace(self.sample(panel, 0), generation=None, scoring=2)

    def initial_rows(self, panel: StudyPanel, cycle: int) -> InitialRowsJob:
        """For rule sample_initial_rows; a cycle follows, of which the initial model has a share."""
        setting = panel.setting
        rows = max(round(setting.initial_share * cell.rows_per_cycle) for cell in panel.cells)
        return InitialRowsJob(
            panel=self._panel(panel, cells=False),
            cycle=cycle,
            prompts=self._prompts_at(setting, cycle),
            generation=generation(setting.section.generation),
            rows=rows,
            engine=self._engine,
        )

    def candidates(self, panel: StudyPanel, cycle: int) -> CandidatesJob:
        """For rule sample_candidates; a cycle follows, whose samples are chosen from these."""
        setting = panel.setting
        assert setting.selection is not None
        return CandidatesJob(
            panel=self._panel(panel),
            cycle=cycle,
            prompts=self._prompts_at(setting, cycle),
            generation=generation(setting.section.generation),
            further=setting.selection.candidates - 1,
            engine=self._engine,
        )

    def judge(self, panel: StudyPanel, cycle: int) -> JudgeJob:
        """For rule judge."""
        return self._judged(panel, cycle, self.study.judge)

    def second_judge(self, panel: StudyPanel, cycle: int) -> JudgeJob:
        """For rule judge_second; the study has a second judge."""
        assert self.study.second_judge is not None
        return self._judged(panel, cycle, self.study.second_judge)

    def gold_judge(self) -> JudgeSpec:
        """For rule judge_gold."""
        return self._judge(self.study.judge)

    def judge_generated(self, panel: StudyPanel) -> JudgeGeneratedJob:
        """For rule judge_generated; the panel's setting has a least coherence."""
        assert panel.setting.min_coherence is not None
        return JudgeGeneratedJob(
            objective=panel.setting.objective,
            trait=panel.trait,
            texts=self._texts(),
            judge=self._judge(self.study.judge),
            min_coherence=panel.setting.min_coherence,
        )

    def judge_candidates(self, panel: StudyPanel) -> JudgeCandidatesJob:
        """For rule judge_candidates; the panel's setting chooses among samples."""
        setting = panel.setting
        assert setting.selection is not None
        return JudgeCandidatesJob(
            objective=setting.objective,
            trait=panel.trait,
            texts=self._texts(),
            judge=self._judge(self.study.judge),
            by=tuple(setting.selection.by),
            min_coherence=setting.min_coherence,
        )

    def _prompts_at(self, setting: Setting, cycle: int) -> PromptPool:
        # the data of cycle 1 and no data at all are the same without
        redrawn = setting.section.prompts == "redrawn" and 0 < cycle < setting.cycles
        return replace(self._prompts(setting), redrawn=redrawn)

    def _judged(self, panel: StudyPanel, cycle: int, judge: JudgeSection) -> JudgeJob:
        setting = panel.setting
        return JudgeJob(
            panel=self._panel(panel),
            cycle=cycle,
            setting=setting.name,
            start=setting.start,
            n_seed=setting.section.pairs_of_cycle_0,
            judge=self._judge(judge),
            truth=self._in_micro_world(panel.model),
        )

    # --- audits

    def read_replies(self) -> ReadRepliesJob:
        """For rule read_replies."""
        audit = self.study.audit
        return ReadRepliesJob(
            files=tuple(ReplySource(**each.model_dump()) for each in audit.files),
            columns=audit.columns.model_dump(),
            objectives=self._objectives,
            models=tuple(audit.model_names),
            traits=tuple(self.study.traits),
            shape=audit.shape,
            cycles_are=audit.cycles_are,
            first_cycle=audit.first_cycle,
            lowest_score=audit.lowest_score,
            highest_score=audit.highest_score,
        )

    def weigh_replies(self, model: str) -> WeighRepliesJob:
        """For rule weigh_replies; the audit's model of this name has a path."""
        own = next(each for each in self.study.audit.models if each.name == model)
        return WeighRepliesJob(model_name(own), self._objectives)

    def judge_replies(self, trait: str) -> JudgeRepliesJob:
        """For rule judge_replies."""
        audit = self.study.audit
        own = {"trait": audit.columns.trait_score, "coherence": audit.columns.coherence}
        judges = self.study.judge.backend != "none"
        return JudgeRepliesJob(
            trait=trait,
            texts=self._texts(),
            given=tuple(criterion for criterion, column in own.items() if column is not None),
            longest=audit.longest_reply,
            loops=tuple(AuditedLoop(s.name, s.objective, s.start) for s in self.study.settings),
            judge=self._judge(self.study.judge) if judges else None,
            truth=self.study.texts == "micro_world",
        )

    def _loop(self, s: Setting) -> Loop:
        loop = Loop(s.name, s.objective, s.start, s.changes, s.cycles)
        if self.study.audit.files:  # what the config says of training is not true of it
            return loop
        rate, temperature = s.section.training.learning_rate, s.section.generation.temperature
        loop = replace(loop, learning_rate=rate, temperature=temperature)
        loop = replace(loop, own_samples_alone=s.own_samples_alone)
        if s.selection is None:
            return replace(loop, judged=int(s.min_coherence is not None))
        by = {*s.selection.by, *(["coherence"] if s.min_coherence is not None else [])}
        return replace(loop, candidates=s.selection.candidates, judged=len(by))

    @property
    def _objectives(self) -> dict[str, ObjectiveName]:
        return {setting.name: setting.objective for setting in self.study.settings}
