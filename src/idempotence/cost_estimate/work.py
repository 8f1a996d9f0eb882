"""What the jobs of a study's loop will do: rows, replies, tokens and calls, job by job."""

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from typing import Any

from idempotence.config.grid import StudyPanel
from idempotence.cost_estimate.lengths import MeasuredTexts
from idempotence.cost_estimate.writing import writing_jobs
from idempotence.cycle_zero.dose_search import dose_grid, pick_dose
from idempotence.doses import exact, n_seed_of
from idempotence.jobs.loop import SampleJob
from idempotence.jobs.parts import Evaluation, Generation, Kind, Training
from idempotence.jobs.preparation import CalibrateJob, CycleZero, SeedDataJob
from idempotence.judge.api import ANSWER_TOKENS
from idempotence.workflow.study_jobs import StudyJobs

COPY = "copy_first_cycle"  # rules whose names begin so copy cycle 0 of an earlier setting
JUDGES = {"judge": "judge", "judge_second": "second_judge"}  # rule -> section of the config
CRITERIA = 2  # trait and coherence: a call each
# chains: begun by a job; models: adapters trained; answers: to evaluation questions, judged;
# generated: samples that the next cycle trains on; rejected: sampled for dpo beside those;
# written: texts that a generator of seed rows writes
AMOUNTS = [
    "jobs", "chains", "models", "rows_trained", "tokens_trained", "answers", "generated",
    "rejected", "tokens_sampled", "judge_calls", "judge_tokens_in", "judge_tokens_out",
    "written", "written_tokens_in", "written_tokens_out",
]  # fmt: skip
Amounts = dict[str, float]  # some of `AMOUNTS` -> how many


class LoopWork:
    """Every job of a study's loop, with what it will do.

    Where cells have calibrated levels, the doses of cycle 0 are those of a score that rises in
    proportion to the dose, to 100 at n_seed_max. All replies are taken to be usable, and a judge
    to rate each anew.
    """

    def __init__(self, jobs: StudyJobs, lengths: MeasuredTexts):
        self.jobs, self.study, self.lengths = jobs, jobs.study, lengths
        self.judges = {rule: role for rule, role in JUDGES.items() if getattr(self.study, role)}

    @cached_property
    def _seeded(self) -> set[str]:
        """Folders of the panels that read seed rows of their own."""
        return {panel.directory for panel in self.jobs.seeded_panels()}

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row per job: rule, setting ("": of no single one), model, and its `Amounts`."""
        panels = self.study.panels()
        yield from writing_jobs(self.jobs, self.lengths)
        for model in sorted({panel.model.name for panel in panels}):
            for trait in self.study.traits:
                yield from self._initial(model, trait)
        yield from self._calibrations(panels)
        for panel in panels:
            yield from self._panel(panel)

    def _initial(self, model: str, trait: str) -> Iterator[dict[str, Any]]:
        """The initial model's own answers, and their scores."""
        job = self.jobs.initial_sample(model, trait)
        about = {"setting": "", "model": model, "jobs": 1}
        yield {"rule": "sample_initial", **about, **self._sampled(job, 1)}
        yield {"rule": "judge_initial", **about, **self._judged(job, 1)}

    def _calibrations(self, panels: Sequence[StudyPanel]) -> Iterator[dict[str, Any]]:
        """The searches for doses: one for all seeds and for the settings that share its doses."""
        owners = self.study.calibrations
        searches = {
            (p.setting.objective, p.model.name, p.trait, owners[p.setting.name])
            for p in panels
            if p.setting.name in owners
        }
        for _, model, trait, owner in sorted(searches):
            amounts = self._calibrated(self.jobs.calibrate(owner, model, trait))
            yield {"rule": "calibrate", "setting": "", "model": model, "jobs": 1, **amounts}

    def _calibrated(self, job: CalibrateJob) -> Amounts:
        zero, tried = job.cycle_zero, search(job.levels, job.step, job.n_seed_max)[1]
        answers, tokens = self._answers(zero)
        return {
            "models": len(tried), **self._trained(zero, zero.training, tried, on_seeds=True),
            "answers": len(tried) * answers, "tokens_sampled": len(tried) * tokens,
            **self._judged(zero, len(tried)),
        }  # fmt: skip

    def _panel(self, panel: StudyPanel) -> Iterator[dict[str, Any]]:
        """The jobs of a panel, cycle by cycle."""
        setting, rule = panel.setting, panel.setting.name.replace("-", "_")
        about = {"setting": setting.name, "model": panel.model.name, "jobs": 1}
        if panel.directory in self._seeded:
            yield {"rule": "seed_data", **about, **self._seed_data(panel)}
        for cycle in range(setting.cycles + 1):
            job = self.jobs.sample(panel, cycle)
            sampled = self._sampled(job, len(panel.cells), setting.rejected_from)
            if cycle == 0 and setting.name in self.study.first_cycles:
                texts = {name: sampled[name] for name in ("answers", "generated")}
                yield {"rule": f"{COPY}_{rule}", **about, "chains": len(panel.cells), **texts}
            else:
                yield {"rule": f"finetune_{rule}", **about, **self._finetuned(panel, cycle)}
                yield {"rule": "sample", **about, **sampled}
            if job.generation and setting.min_coherence is not None:
                yield {"rule": "judge_generated", **about, **self._filtered(job, job.generation)}
            for judge, role in self.judges.items():
                yield {"rule": judge, **about, **self._judged(job, len(panel.cells), role)}

    def _seed_data(self, panel: StudyPanel) -> Amounts:
        """Seed rows; for dpo the initial model's reply to each."""
        job = self.jobs.seed_data(panel)
        n = job.prompts.seed_rows if panel.setting.objective == "dpo" else 0
        return {"rejected": n, "tokens_sampled": n * self._reply(job.panel.kind, job.generation)}

    def _finetuned(self, panel: StudyPanel, cycle: int) -> Amounts:
        job, first = self.jobs.finetune(panel, cycle), cycle == 0
        doses = self._doses(panel) if first else {}
        rows = [
            n_seed_of(cell, job.n_seed, doses) if first else cell.rows_per_cycle
            for cell in job.panel.cells
        ]
        trained = self._trained(self.jobs.seed_data(panel), job.training, rows, on_seeds=first)
        return {"chains": len(rows) if first else 0, "models": len(rows), **trained}

    def _doses(self, panel: StudyPanel) -> dict[str, int]:
        """Calibrated level, as `exact` writes it -> seed rows."""
        owner = self.study.calibrations.get(panel.setting.name)
        if owner is None:
            return {}
        job = self.jobs.calibrate(owner, panel.model.name, panel.trait)
        return search(job.levels, job.step, job.n_seed_max)[0]

    def _sampled(self, job: SampleJob, models: int, rejected_from: str = "initial") -> Amounts:
        """Answers to the questions, and the next cycle's rows; for dpo with the rejected ones."""
        panel = job.panel
        answers, tokens = self._answers(job)
        generated = rejected = 0
        reply = 0.0
        if job.generation:
            generated = sum(cell.rows_per_cycle for cell in panel.cells)
            reply = self._reply(panel.kind, job.generation)
            if job.cycle and rejected_from == "two_back":
                rejected = generated  # each cell's own, where the initial model's serve all cells
            elif panel.objective == "dpo":
                rejected = job.prompts.per_cycle
        return {
            "answers": models * answers, "generated": generated, "rejected": rejected,
            "tokens_sampled": models * tokens + (generated + rejected) * reply,
        }  # fmt: skip

    def _trained(
        self,
        texts: SeedDataJob | CycleZero,
        training: Training,
        doses: Sequence[int],
        on_seeds: bool,
    ) -> Amounts:
        """Rows and tokens of a training run for each number of rows.

        texts: a job with the panel's texts. on_seeds: it trains on seed rows, else on samples.
        """
        panel, lengths = texts.panel, self.lengths(texts.panel, texts.prompts)
        sampled = self._reply(panel.kind, texts.generation)
        prompt, reply = lengths.seed_row if on_seeds else (lengths.prompt, sampled)
        row = min(prompt + reply, training.max_length)
        if panel.objective == "dpo":  # the chosen and the rejected reply, each with its prompt
            row += min(prompt + sampled, training.max_length)
        return {"rows_trained": sum(doses), "tokens_trained": sum(doses) * row * training.epochs}

    def _answers(self, job: SampleJob | CycleZero) -> tuple[int, float]:
        """(answers of one model to the evaluation questions, their tokens)."""
        answers = job.prompts.questions * job.evaluation.samples_per_question
        return answers, answers * self._reply(job.panel.kind, job.evaluation)

    def _judged(self, job: SampleJob | CycleZero, models: int, role: str = "judge") -> Amounts:
        """Calls about the answers of so many models."""
        answers, tokens = (models * amount for amount in self._answers(job))
        lengths, times = self.lengths(job.panel, job.prompts), self._times(role)
        calls = answers * CRITERIA * times
        read = answers * lengths.rubrics[role] + CRITERIA * (answers * lengths.question + tokens)
        return {
            "judge_calls": calls, "judge_tokens_in": times * read,
            "judge_tokens_out": calls * ANSWER_TOKENS,
        }  # fmt: skip

    def _filtered(self, job: SampleJob, generation: Generation) -> Amounts:
        """Calls about the coherence of the samples."""
        lengths = self.lengths(job.panel, job.prompts)
        calls = sum(cell.rows_per_cycle for cell in job.panel.cells) * self._times("judge")
        rubric, reply = lengths.rubrics["judge"] / CRITERIA, self._reply(job.panel.kind, generation)
        return {
            "judge_calls": calls, "judge_tokens_in": calls * (rubric + lengths.prompt + reply),
            "judge_tokens_out": calls * ANSWER_TOKENS,
        }  # fmt: skip

    def _times(self, role: str) -> int:
        """How often a judge rates a text: several times where it gives no probabilities."""
        judge = getattr(self.study, role)
        return 1 if judge.top_logprobs else int(judge.samples)

    def _reply(self, kind: Kind, limits: Evaluation | Generation) -> float:
        """Mean tokens of a sampled text."""
        rates = self.study.rates
        mean = rates.document_tokens if kind == "document" else rates.reply_tokens
        return min(mean, limits.max_new_tokens)


@cache
def search(levels: tuple[float, ...], step: int, most: int) -> tuple[dict[str, int], list[int]]:
    """(level -> its dose, every dose tried), were the score in proportion to the dose.

    step, most: doses tried are the multiples of step up to most.
    """
    tried: list[int] = []

    def score(n_seed: int) -> float:
        tried.append(n_seed)
        return 100 * n_seed / most

    grid = dose_grid(step, most)
    doses = {exact(level): int(pick_dose(score, level, grid)["n_seed"]) for level in levels}
    return doses, sorted(set(tried))
