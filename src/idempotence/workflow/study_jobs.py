"""From a study to the jobs of its rules, each with what the job uses and nothing else.

Snakemake compares a job's record with that of the last run, so a key that a job does not use must
not be in it: an edit of that key would make the job run again for nothing.
"""

from dataclasses import replace
from functools import cached_property
from pathlib import Path

from idempotence.config.grid import Setting, StudyPanel
from idempotence.config.sections import (
    EvaluationSection,
    GenerationSection,
    JudgeSection,
    ModelSection,
    TrainingSection,
)
from idempotence.config.study import Study
from idempotence.doses import INITIAL
from idempotence.jobs.audit import (
    AuditedLoop,
    JudgeRepliesJob,
    ReadRepliesJob,
    ReplySource,
    WeighRepliesJob,
)
from idempotence.jobs.loop import FinetuneJob, JudgeGeneratedJob, JudgeJob, SampleJob
from idempotence.jobs.parts import (
    EndpointModel,
    EngineName,
    Evaluation,
    Generation,
    JudgeSpec,
    Kind,
    Loop,
    Loops,
    Lora,
    ModelName,
    Objective,
    Panel,
    PromptPool,
    Training,
    WrittenTexts,
)
from idempotence.jobs.preparation import (
    CalibrateJob,
    CycleZero,
    GenerateSeedDataJob,
    SeedDataJob,
    TryLearningRatesJob,
    WriterSpec,
)

CALIBRATION_SEED = -1  # the seed of rows and prompts that no chain sees


class StudyJobs:
    """The jobs of a study."""

    def __init__(self, study: Study):
        self.study = study

    # --- what all rules share

    @cached_property
    def loops(self) -> Loops:
        """The settings as tables, figures and claims know them."""
        loops = tuple(
            Loop(s.name, s.objective, s.start, s.changes, s.cycles) for s in self.study.settings
        )
        return Loops(loops, self.study.twins)

    def seeded_panels(self) -> list[StudyPanel]:
        """The panels that read seed rows of their own: a copied cycle 0 needs none."""
        copied = self.study.first_cycles
        return [
            panel
            for panel in self.study.panels()
            if panel.setting.name not in copied or panel.setting.reads_seed_rows
        ]

    def generated_rows(self, setting: Setting, trait: str) -> str | None:
        """The file of a trait's seed rows that a larger model writes; None: they are written."""
        if setting.section.seed_source == "written":
            return None
        return f"results/{self.study.study}/seed_rows/{setting.kind}/{trait}.jsonl"

    # --- before the loop

    def generate_seed_data(self, kind: Kind, trait: str) -> GenerateSeedDataJob:
        """For rule generate_seed_data."""
        generator = self.study.generator
        bounds = generator.chats if kind == "chat" else generator.documents
        writer = WriterSpec(generator.temperature, generator.max_new_tokens)
        if generator.backend == "openai":
            writer = replace(writer, base_url=generator.api.base_url)
        else:
            writer = replace(
                writer,
                engine=self._engine,
                revision=generator.revision,
                dtype=generator.dtype,
            )
        return GenerateSeedDataJob(
            study_seed=self.study.study_seed,
            kind=kind,
            trait=trait,
            texts=self._written_texts(),
            rows=bounds.rows,
            min_words=bounds.min_words,
            max_words=bounds.max_words,
            examples=generator.examples,
            writer=writer,
        )

    def seed_data(self, panel: StudyPanel) -> SeedDataJob:
        """For rule seed_data."""
        setting = panel.setting
        # only dpo's rejected replies are sampled
        engine: EngineName = self._engine if setting.objective == "dpo" else "transformers"
        return SeedDataJob(
            panel=self._panel(panel, seeded=True, cells=False),
            prompts=self._prompts(setting),
            generation=_generation(setting.section.generation),
            engine=engine,
        )

    def calibrate(self, name: str, model: str, trait: str) -> CalibrateJob:
        """For rule calibrate: one search for all seeds, and for all settings that share its doses.

        name: a setting that a file of doses is named by (`Study.calibrations`).
        """
        setting = self.study.setting(name)
        sharing = [s for s in self.study.settings if self.study.calibrations.get(s.name) == name]
        levels = dict.fromkeys(
            cell.level for s in sharing for cell in s.cells if cell.level is not None
        )
        return CalibrateJob(
            cycle_zero=self._cycle_zero(setting, model, trait),
            levels=tuple(levels),
            n_seed_max=setting.n_seed_max,
            step=setting.step,
        )

    def try_learning_rates(self, name: str, model: str, trait: str) -> TryLearningRatesJob:
        """For rule try_learning_rates: at the most seed rows that the rule allows."""
        setting, tuning = self.study.setting(name), self.study.tuning
        pairs = setting.section.pairs_of_cycle_0
        alike = [each for each in self.study.settings if each.objective == setting.objective]
        levels = [cell.level for each in alike for cell in each.cells if cell.level is not None]
        samples = max(cell.rows_per_cycle for cell in setting.cells)
        rows = min(samples * tuning.seed_rows_per_sample, setting.seed_rows)
        return TryLearningRatesJob(
            cycle_zero=self._cycle_zero(setting, model, trait),
            learning_rates=tuple(tuning.learning_rates),
            betas=tuple(tuning.dpo.betas) if pairs else (None,),
            n_seed=pairs or rows,
            target=max(levels, default=tuning.score),
            min_coherence=tuning.dpo.min_coherence if pairs else tuning.min_coherence,
        )

    def initial_sample(self, model: str, trait: str) -> SampleJob:
        """For rule sample_initial: answers of the initial model itself."""
        return SampleJob(
            panel=self._initial_panel(model, trait),
            cycle=0,
            prompts=PromptPool(self.study.evaluation.questions, 0, 0),
            evaluation=_evaluation(self.study.evaluation),
            generation=None,
            engine=self._engine,
        )

    def initial_judge(self, model: str, trait: str) -> JudgeJob:
        """For rule judge_initial."""
        return JudgeJob(
            panel=self._initial_panel(model, trait),
            cycle=0,
            setting="initial",
            start=None,
            n_seed=None,
            judge=self._judge(self.study.judge),
            truth=self._in_micro_world(self._model(model)),
        )

    # --- the loop

    def finetune(self, panel: StudyPanel, cycle: int) -> FinetuneJob:
        """For the rules finetune_<setting>."""
        section = panel.setting.section
        return FinetuneJob(
            panel=self._panel(panel),
            cycle=cycle,
            n_seed=section.pairs_of_cycle_0,
            training=_training(section.training),
            seed_share=panel.setting.seed_share if cycle else 0.0,
            accumulate=panel.setting.accumulate and cycle > 0,
        )

    def sample(self, panel: StudyPanel, cycle: int) -> SampleJob:
        """For rule sample."""
        setting = panel.setting
        last = cycle == setting.cycles
        return SampleJob(
            panel=self._panel(panel),
            cycle=cycle,
            prompts=self._prompts(setting),
            evaluation=_evaluation(self.study.evaluation),
            generation=None if last else _generation(setting.section.generation),
            engine=self._engine,
        )

    def judge(self, panel: StudyPanel, cycle: int) -> JudgeJob:
        """For rule judge."""
        return self._judged(panel, cycle, self.study.judge)

    def second_judge(self, panel: StudyPanel, cycle: int) -> JudgeJob:
        """For rule judge_second; the study has a second judge."""
        assert self.study.second_judge is not None
        return self._judged(panel, cycle, self.study.second_judge)

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
            first_cycle=audit.first_cycle,
            lowest_score=audit.lowest_score,
            highest_score=audit.highest_score,
        )

    def weigh_replies(self, model: str) -> WeighRepliesJob:
        """For rule weigh_replies; the audit's model of this name has a path."""
        own = next(each for each in self.study.audit.models if each.name == model)
        return WeighRepliesJob(ModelName(own.name, own.revision, own.dtype), self._objectives)

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

    # --- parts

    @property
    def _objectives(self) -> dict[str, Objective]:
        return {setting.name: setting.objective for setting in self.study.settings}

    @property
    def _engine(self) -> EngineName:
        return self.study.engine.backend

    def _model(self, name: str) -> ModelSection:
        return next(model for model in self.study.models if model.name == name)

    def _texts(self) -> WrittenTexts | None:
        return None if self.study.texts == "micro_world" else self._written_texts()

    def _written_texts(self) -> WrittenTexts:
        return WrittenTexts(self.study.traits_folder, self.study.prompts_folder)

    def _seeded_texts(self, setting: Setting, trait: str) -> WrittenTexts | None:
        """Where texts and seed rows are, for jobs that read the latter."""
        rows = self.generated_rows(setting, trait)
        if rows is None:
            return self._texts()
        return WrittenTexts(self.study.traits_folder, self.study.prompts_folder, rows)

    def _panel(self, panel: StudyPanel, seeded: bool = False, cells: bool = True) -> Panel:
        """seeded: the job reads seed rows. cells: the job knows doses."""
        setting = panel.setting
        return Panel(
            study_seed=self.study.study_seed,
            objective=setting.objective,
            model=_model_name(panel.model),
            trait=panel.trait,
            seed=panel.seed,
            cells=panel.cells if cells else (),
            texts=self._seeded_texts(setting, panel.trait) if seeded else self._texts(),
        )

    def _initial_panel(self, name: str, trait: str) -> Panel:
        model = self._model(name)
        objective: Objective = "sdf" if model.kind == "base" else "sft"
        return Panel(
            study_seed=self.study.study_seed,
            objective=objective,
            model=_model_name(model),
            trait=trait,
            seed=-1,
            cells=(INITIAL,),
            texts=self._texts(),
        )

    def _prompts(self, setting: Setting) -> PromptPool:
        return PromptPool(
            self.study.evaluation.questions,
            setting.seed_rows,
            setting.rows_reserved,
            setting.section.prompts == "redrawn",
        )

    def _cycle_zero(self, setting: Setting, model: str, trait: str) -> CycleZero:
        return CycleZero(
            panel=Panel(
                study_seed=self.study.study_seed,
                objective=setting.objective,
                model=_model_name(self._model(model)),
                trait=trait,
                seed=CALIBRATION_SEED,
                cells=(),
                texts=self._seeded_texts(setting, trait),
            ),
            prompts=self._prompts(setting),
            training=_training(setting.section.training),
            generation=_generation(setting.section.generation),
            evaluation=_evaluation(
                self.study.evaluation, self.study.calibration.samples_per_question
            ),
            # it takes turns with training, which vLLM's environment cannot do
            judge=self._judge(self.study.judge, engine="transformers"),
        )

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

    def _judge(self, judge: JudgeSection, engine: EngineName | None = None) -> JudgeSpec:
        """Who judges decides scores; how fast and how dear does not, and is no part of the job."""
        endpoint = None
        if judge.backend == "openai":
            assert judge.api.base_url is not None
            endpoint = EndpointModel(judge.path, judge.api.base_url, judge.samples)
        return JudgeSpec(
            revision=judge.revision,
            top_logprobs=judge.top_logprobs,
            min_numeric_mass=judge.min_numeric_mass,
            engine="transformers" if endpoint else engine or self._engine,
            endpoint=endpoint,
        )

    def _in_micro_world(self, model: ModelSection) -> bool:
        """Only there is the truth of a text known."""
        return self.study.texts == "micro_world" and Path(model.path).parts[:1] == ("world",)


def _model_name(model: ModelSection) -> ModelName:
    return ModelName(model.name, model.revision, model.dtype)


def _training(section: TrainingSection) -> Training:
    values = section.model_dump()
    modules = section.lora.target_modules
    names = () if modules == "all-linear" else tuple(modules)
    return Training(**{**values, "lora": Lora(**{**values["lora"], "target_modules": names})})


def _generation(section: GenerationSection) -> Generation:
    return Generation(**section.model_dump())


def _evaluation(section: EvaluationSection, samples: int | None = None) -> Evaluation:
    """samples: answers per question, where they differ from the evaluation's."""
    return Evaluation(
        samples or section.samples_per_question, section.temperature, section.max_new_tokens
    )
