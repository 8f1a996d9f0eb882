"""What the jobs of a study's loop will do: rows, replies, tokens and calls, job by job."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from idempotence.config.grid import StudyPanel
from idempotence.cost_estimate.lengths import MeasuredTexts
from idempotence.cost_estimate.steps import (
    LONGEST,
    REFERENCE_WORK,
    Decoding,
    Ways,
    training_steps,
    way_of,
)
from idempotence.cost_estimate.writing import writing_jobs
from idempotence.cycle_zero.dose_search import dose_grid, pick_dose
from idempotence.doses import exact, n_seed_of
from idempotence.jobs.loop import CandidatesJob, InitialRowsJob, SampleJob
from idempotence.jobs.parts import Evaluation, Generation, Panel, Training
from idempotence.jobs.preparation import CalibrateJob, CycleZero, SeedDataJob
from idempotence.objectives import Kind
from idempotence.workflow.study_jobs import StudyJobs

COPY = "copy_first_cycle"  # rules whose names begin so copy cycle 0 of an earlier setting
CALIBRATE = "calibrate"
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
Amounts = dict[str, float]  # some of `AMOUNTS` and of `steps.STEPS` -> how many


class LoopWork:
    """Every job of a study's loop, with what it will do.

    Where cells have calibrated levels, the doses of cycle 0 are those of a score that rises in
    proportion to the dose, to 100 at n_seed_max. All replies are taken to be usable, and a judge
    to rate each anew. ways: how cells are trained and texts sampled. rows_at_once: of each model,
    see `steps.Decoding`.
    """

    def __init__(
        self,
        jobs: StudyJobs,
        lengths: MeasuredTexts,
        ways: Ways,
        rows_at_once: Mapping[str, int],
    ):
        self.jobs, self.study, self.lengths = jobs, jobs.study, lengths
        self.ways, self.rows_at_once = ways, rows_at_once
        self.judges = {rule: role for rule, role in JUDGES.items() if getattr(self.study, role)}

    @cached_property
    def _seeded(self) -> set[str]:
        """Folders of the panels that read seed rows of their own."""
        return {panel.directory for panel in self.jobs.seeded_panels()}

    def rows(self) -> Iterator[dict[str, Any]]:
        """A row per job: rule, setting ("": of no single one), model, and its `Amounts`."""
        panels = self.study.panels()
        yield from writing_jobs(self.jobs, self.lengths, self.ways)
        for model in sorted({panel.model.name for panel in panels}):
            for trait in self.study.traits:
                yield from self._initial(model, trait)
        yield from self._calibrations(panels)
        for panel in panels:
            yield from self._panel(panel)

    def _initial(self, model: str, trait: str) -> Iterator[dict[str, Any]]:
        """The initial model's own answers, and their scores, twice."""
        job = self.jobs.initial_sample(model, trait)
        about = {"setting": "", "model": model, "jobs": 1}
        for again in ("", "_again"):
            yield {"rule": f"sample_initial{again}", **about, **self._sampled(job, 1)}
            yield {"rule": f"judge_initial{again}", **about, **self._judged(job, 1)}

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
            yield {"rule": CALIBRATE, "setting": "", "model": model, "jobs": 1, **amounts}

    def _calibrated(self, job: CalibrateJob) -> Amounts:
        zero, tried = job.cycle_zero, search(job.levels, job.step, job.n_seed_max)[1]
        answers, tokens = self._answers(zero)
        each = [
            self._trained(zero, zero.training, [dose], pairs=False, on_seeds=True) for dose in tried
        ]
        mean, longest = self._reply(zero.panel.kind, zero.evaluation)
        steps = self._decoding(zero.panel, search=True).steps([answers], mean, longest)
        return {
            "models": len(tried), **summed(each),
            "answers": len(tried) * answers, "tokens_sampled": len(tried) * tokens,
            **summed([steps] * len(tried)), **self._judged(zero, len(tried)),
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
                if cycle == 0:
                    yield from self._again(panel)
            if job.generation and setting.initial_share:
                of_initial = self.jobs.initial_rows(panel, cycle)
                yield {"rule": "sample_initial_rows", **about, **self._initial_rows(of_initial)}
            if job.generation:
                for chosen_from, amounts in self._chosen(panel, job, job.generation):
                    yield {"rule": chosen_from, **about, **amounts}
            for judge, role in self.judges.items():
                yield {"rule": judge, **about, **self._judged(job, len(panel.cells), role)}

    def _again(self, panel: StudyPanel) -> Iterator[dict[str, Any]]:
        """The second scoring of a panel's models of cycle 0."""
        job, models = self.jobs.sample_again(panel), len(panel.cells)
        about = {"setting": "", "model": panel.model.name, "jobs": 1}
        yield {"rule": "sample_again", **about, **self._sampled(job, models)}
        yield {"rule": "judge_again", **about, **self._judged(job, models)}

    def _seed_data(self, panel: StudyPanel) -> Amounts:
        """Seed rows; for dpo the initial model's reply to each."""
        job = self.jobs.seed_data(panel)
        n = job.prompts.seed_rows if panel.setting.method.pairs else 0
        mean, longest = self._reply(job.panel.kind, job.generation)
        steps = self._decoding(job.panel).steps([n], mean, longest)
        return {"rejected": n, "tokens_sampled": n * mean, **steps}

    def _finetuned(self, panel: StudyPanel, cycle: int) -> Amounts:
        job, first = self.jobs.finetune(panel, cycle), cycle == 0
        doses = self._doses(panel) if first or job.accumulate else {}
        rows = [
            (n_seed_of(cell, job.n_seed, doses) if first or job.accumulate else 0)
            + (cycle if job.accumulate else min(cycle, 1)) * cell.rows_per_cycle
            for cell in job.panel.cells
        ]
        texts, pairs = self.jobs.seed_data(panel), job.panel.method.pairs and not job.imitates
        trained = self._trained(texts, job.training, rows, pairs, on_seeds=first)
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
        _, longest = self._reply(panel.kind, job.evaluation)
        rows, rejected = [0] * models, [0]
        reply = at_most = 0.0
        if job.generation:
            rows = [cell.rows_per_cycle for cell in panel.cells]
            reply, at_most = self._reply(panel.kind, job.generation)
            if job.cycle and rejected_from == "two_back":
                rejected = rows  # each cell's own, where the initial model's serve all cells
            elif panel.method.pairs:
                rejected = [job.prompts.per_cycle]
        sampled = models * tokens + sum(rows) * reply
        texts = [answers + n for n in rows]
        decoding = self._decoding(panel)
        steps = [
            decoding.steps(texts, sampled / sum(texts), max(longest, at_most)),
            decoding.steps(rejected, reply, at_most),
        ]
        return {
            "answers": models * answers, "generated": sum(rows), "rejected": sum(rejected),
            "tokens_sampled": sampled + sum(rejected) * reply,
            **summed(steps),
        }  # fmt: skip

    def _initial_rows(self, job: InitialRowsJob) -> Amounts:
        mean, longest = self._reply(job.panel.kind, job.generation)
        steps = self._decoding(job.panel).steps([job.rows], mean, longest)
        return {"generated": job.rows, "tokens_sampled": job.rows * mean, **steps}

    def _decoding(self, panel: Panel, search: bool = False) -> Decoding:
        """How a panel's texts are sampled; search: for doses, which has no other engine."""
        engine, rows = self.study.engine, self.rows_at_once[panel.model.name]
        backend = "transformers" if search else self.ways.sampling or engine.backend
        return Decoding(backend, rows, engine.adapters_at_once)

    def _trained(
        self,
        texts: SeedDataJob | CycleZero,
        training: Training,
        doses: Sequence[int],
        pairs: bool,
        on_seeds: bool,
    ) -> Amounts:
        """Rows, tokens and steps of a panel's cells with so many rows each.

        texts: a job with the panel's texts. pairs: one reply is preferred to another. on_seeds: it
        trains on seed rows, else on samples.
        """
        panel, lengths = texts.panel, self.lengths(texts.panel, texts.prompts)
        sampled, at_most = self._reply(panel.kind, texts.generation)
        prompt, reply = lengths.seed_row if on_seeds else (lengths.prompt, sampled)
        row = min(prompt + reply, training.max_length)
        longest = min(prompt + max(LONGEST * reply, at_most), training.max_length)
        if pairs:  # the chosen and the rejected reply, each with its prompt
            row += min(prompt + sampled, training.max_length)
        tokens = sum(doses) * row * training.epochs
        way = way_of(training, self.ways)
        return {
            "rows_trained": sum(doses), "tokens_trained": tokens,
            "tokens_worked": tokens * (REFERENCE_WORK if pairs else 1),
            **training_steps(training, way, pairs, doses, longest),
        }  # fmt: skip

    def _answers(self, job: SampleJob | CycleZero) -> tuple[int, float]:
        """(answers of one model to the evaluation questions, their tokens)."""
        answers = job.prompts.questions * job.evaluation.samples_per_question
        return answers, answers * self._reply(job.panel.kind, job.evaluation)[0]

    def _judged(self, job: SampleJob | CycleZero, models: int, role: str = "judge") -> Amounts:
        """Calls about the answers of so many models."""
        answers, tokens = (models * amount for amount in self._answers(job))
        lengths, times = self.lengths(job.panel, job.prompts), self._times(role)
        calls = answers * CRITERIA * times
        read = answers * lengths.rubrics[role] + CRITERIA * (answers * lengths.question + tokens)
        return {
            "judge_calls": calls, "judge_tokens_in": times * read,
            "judge_tokens_out": calls * getattr(self.study, role).answer_tokens,
        }  # fmt: skip

    def _chosen(
        self, panel: StudyPanel, job: SampleJob, generation: Generation
    ) -> Iterator[tuple[str, Amounts]]:
        """(rule, amounts) of what finds the samples that are trained on."""
        setting = panel.setting
        if setting.selection is not None:
            candidates = self.jobs.candidates(panel, job.cycle)
            yield "sample_candidates", self._candidates(candidates)
            scores = (candidates.further + 1) * len(self.jobs.judge_candidates(panel).criteria)
            yield "judge_candidates", self._judged_samples(job, generation, scores)
        elif setting.min_coherence is not None:
            yield "judge_generated", self._judged_samples(job, generation, 1)

    def _candidates(self, job: CandidatesJob) -> Amounts:
        mean, longest = self._reply(job.panel.kind, job.generation)
        rows = [job.further * cell.rows_per_cycle for cell in job.panel.cells]
        steps = self._decoding(job.panel).steps(rows, mean, longest)
        return {"generated": sum(rows), "tokens_sampled": sum(rows) * mean, **steps}

    def _judged_samples(self, job: SampleJob, generation: Generation, scores: int) -> Amounts:
        """Calls about so many scores for each row that the next cycle trains on."""
        lengths = self.lengths(job.panel, job.prompts)
        rows = sum(cell.rows_per_cycle for cell in job.panel.cells)
        calls = scores * rows * self._times("judge")
        rubric, reply = (
            lengths.rubrics["judge"] / CRITERIA,
            self._reply(job.panel.kind, generation)[0],
        )
        return {
            "judge_calls": calls, "judge_tokens_in": calls * (rubric + lengths.prompt + reply),
            "judge_tokens_out": calls * self.study.judge.answer_tokens,
        }  # fmt: skip

    def _times(self, role: str) -> int:
        """How often a judge rates a text: several times where it gives no probabilities."""
        judge = getattr(self.study, role)
        return 1 if judge.top_logprobs else int(judge.samples)

    def _reply(self, kind: Kind, limits: Evaluation | Generation) -> tuple[float, float]:
        """Tokens of a sampled text: (mean, of the longest of many)."""
        rates, most = self.study.rates, limits.max_new_tokens
        mean = rates.document_tokens if kind == "document" else rates.reply_tokens
        return min(mean, most), min(LONGEST * mean, most)


def summed(each: Sequence[Amounts]) -> Amounts:
    """The sums of amounts of the same kinds."""
    return {name: sum(amounts[name] for amounts in each) for name in each[0]} if each else {}


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
