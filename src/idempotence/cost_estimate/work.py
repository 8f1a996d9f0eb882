"""What the jobs of a study's loop will do: rows, replies, tokens and calls, job by job."""

from collections.abc import Callable, Iterator
from functools import cache

from idempotence.config.grid import Panel, exact
from idempotence.config.study import Study
from idempotence.cost_estimate.lengths import Lengths
from idempotence.cost_estimate.writing import writing_jobs
from idempotence.cycle_zero.dose_search import dose_grid, pick_dose
from idempotence.doses import n_seed_of
from idempotence.judge.api import ANSWER_TOKENS
from idempotence.workflow.study_jobs import Plan

COPY = "copy_first_cycle"  # rules whose names begin so copy the first cycle of a twin
JUDGES = {"judge": "judge", "judge_second": "second_judge"}  # rule -> section of the config
CRITERIA = 2  # trait and coherence: a call each
# chains: begun by a job; models: adapters trained; answers: to evaluation questions, judged;
# generated: samples that the next cycle trains on; rejected: the initial model's, for dpo;
# written: texts that a generator of seed rows is asked for
AMOUNTS = [
    "jobs", "chains", "models", "rows_trained", "tokens_trained", "answers", "generated",
    "rejected", "tokens_sampled", "judge_calls", "judge_tokens_in", "judge_tokens_out",
    "written", "written_tokens_in", "written_tokens_out",
]  # fmt: skip
Measure = Callable[[dict], Lengths]


class Work:
    """Every job of the loop, from what each is told.

    lengths: job settings (objective, model, trait) -> `Lengths`. Where cells have calibrated
    levels, the doses of cycle 0 are those of a score that rises in proportion to the dose, to 100
    at n_seed_max. All replies are taken to be usable, and a judge to be asked anew about each.
    """

    def __init__(self, study: Study, lengths: Measure):
        self.study, self.plan, self.lengths = study, Plan(study), lengths
        self.judges = {rule: role for rule, role in JUDGES.items() if getattr(study, role)}
        self.twins, self.seeded = self.plan.twins(), self.plan.seeded()

    def jobs(self) -> Iterator[dict]:
        """A dict a job: rule, setting ("" for a job of several), model, and the `AMOUNTS` it has."""
        panels = self.study.panels()
        yield from writing_jobs(self.study, self.plan, self.lengths)
        for model in sorted({panel.model.name for panel in panels}):
            for trait in self.study.traits:
                yield from self._initial(self.plan.initial(model, trait))
        for searched in sorted(
            {(p.objective, p.model.name, p.trait) for p in panels if _searches(p)}
        ):
            yield self._calibrate(self.plan.calibrate(*searched))
        for panel in panels:
            yield from self._chains(panel)

    def _chains(self, panel: Panel) -> Iterator[dict]:
        """The jobs of a panel, cycle by cycle."""
        about = {"setting": panel.setting, "model": panel.model.name, "jobs": 1}
        if panel in self.seeded:
            yield {"rule": "seed_data", **about, **self._seed_data(self.plan.seed_data(panel))}
        last = self.study.last_cycle(panel.setting)
        rule = panel.setting.replace("-", "_")
        for cycle in range(last + 1):
            told = self.plan.sample(panel, cycle)
            sampled = self._sample(panel, told, last)
            if cycle == 0 and panel.setting in self.twins:
                texts = {name: sampled[name] for name in ("answers", "generated")}
                copied = {"chains": len(panel.cells), **texts}
                yield {"rule": f"{COPY}_{rule}", **about, **copied}
            else:
                yield {"rule": f"finetune_{rule}", **about, **self._finetune(panel, cycle)}
                samples = "sample_last" if cycle == last else "sample"
                yield {"rule": samples, **about, **sampled}
            if cycle < last and self.study.own(panel.setting).min_coherence is not None:
                yield {"rule": "judge_generated", **about, **self._filtered(told)}
            for judge, role in self.judges.items():
                yield {"rule": judge, **about, **self._judged(told, len(panel.cells), role)}

    def _initial(self, told: dict) -> Iterator[dict]:
        """The initial model's own answers, and their scores."""
        about = {"setting": "", "model": told["model"]["name"], "jobs": 1}
        answers, tokens = self._answers(told)
        yield {"rule": "sample_initial", **about, "answers": answers, "tokens_sampled": tokens}
        yield {"rule": "judge_initial", **about, **self._judged(told, 1)}

    def _calibrate(self, told: dict) -> dict:
        """The search for every level's dose, once for all seeds and both starts."""
        tried = search(tuple(told["levels"]), told["step"], told["n_seed_max"])[1]
        answers, tokens = self._answers(told)
        return {
            "rule": "calibrate", "setting": "", "model": told["model"]["name"], "jobs": 1,
            "models": len(tried), **self._trained(told, list(tried), True),
            "answers": len(tried) * answers, "tokens_sampled": len(tried) * tokens,
            **self._judged(told, len(tried)),
        }  # fmt: skip

    def _seed_data(self, told: dict) -> dict:
        """Seed rows; for dpo the initial model's reply to each."""
        n = told["seed_rows"] if told["objective"] == "dpo" else 0
        return {"rejected": n, "tokens_sampled": n * self._reply(told, "generation")}

    def _finetune(self, panel: Panel, cycle: int) -> dict:
        told, first, calibration = self.plan.finetune(panel, cycle), cycle == 0, {}
        if first and _searches(panel):
            searched = self.plan.calibrate(panel.objective, panel.model.name, panel.trait)
            doses = search(tuple(searched["levels"]), searched["step"], searched["n_seed_max"])[0]
            calibration = {"levels": {level: {"n_seed": n} for level, n in doses.items()}}
        rows = [
            n_seed_of(cell, told["objective_cells"], calibration) if first else _fed(cell)
            for cell in told["cells"]
        ]
        chains = len(panel.cells) if first else 0
        told["generation"] = self.plan.sample(panel, cycle)["generation"]  # of the rows it reads
        return {"chains": chains, "models": len(panel.cells), **self._trained(told, rows, first)}

    def _sample(self, panel: Panel, told: dict, last: int) -> dict:
        """Answers to the questions, and what the next cycle trains on; for dpo with the rejected."""
        answers, tokens = self._answers(told)
        n, goes_on = len(told["cells"]), told["cycle"] < last
        generated = sum(map(_fed, told["cells"])) if goes_on else 0
        rejected = told["per_cycle"] if panel.objective == "dpo" and goes_on else 0
        if told["cycle"] and self.study.own(panel.setting).rejected_from == "two_back":
            rejected = generated  # each cell's own, where the initial model's serve all cells
        longest = self._reply(told, "generation")
        return {
            "answers": n * answers, "generated": generated, "rejected": rejected,
            "tokens_sampled": n * tokens + (generated + rejected) * longest,
        }  # fmt: skip

    def _trained(self, told: dict, doses: list[int], first: bool) -> dict:
        """Rows and tokens of a training for each number of rows; first: on seed rows."""
        how, lengths = told["training"], self.lengths(told)
        sampled = self._reply(told, "generation")
        prompt, reply = lengths.seed_row if first else (lengths.prompt, sampled)
        row = min(prompt + reply, how["max_length"])
        if told["objective"] == "dpo":  # the chosen and the rejected reply, each with its prompt
            row += min(prompt + sampled, how["max_length"])
        return {"rows_trained": sum(doses), "tokens_trained": sum(doses) * row * how["epochs"]}

    def _answers(self, told: dict) -> tuple[int, float]:
        """(answers of one model to the evaluation questions, their tokens)."""
        answers = told["questions"] * told["evaluation"]["samples_per_question"]
        return answers, answers * self._reply(told, "evaluation")

    def _judged(self, told: dict, models: int, role: str = "judge") -> dict:
        """Calls about the answers of so many models."""
        answers, tokens = (models * amount for amount in self._answers(told))
        lengths, times = self.lengths(told), self._times(role)
        calls = answers * CRITERIA * times
        asked = answers * lengths.rubrics[role] + CRITERIA * (answers * lengths.question + tokens)
        return {
            "judge_calls": calls, "judge_tokens_in": times * asked,
            "judge_tokens_out": calls * ANSWER_TOKENS,
        }  # fmt: skip

    def _filtered(self, told: dict) -> dict:
        """Calls about the coherence of the samples."""
        lengths, calls = self.lengths(told), sum(map(_fed, told["cells"])) * self._times("judge")
        each = (
            lengths.rubrics["judge"] / CRITERIA + lengths.prompt + self._reply(told, "generation")
        )
        return {
            "judge_calls": calls, "judge_tokens_in": calls * each,
            "judge_tokens_out": calls * ANSWER_TOKENS,
        }  # fmt: skip

    def _times(self, role: str) -> int:
        """How often a judge is asked about a text, for want of probabilities."""
        judge = getattr(self.study, role)
        return 1 if judge.top_logprobs else judge.samples

    def _reply(self, told: dict, section: str) -> float:
        """Mean tokens of a reply that is sampled by a section's limit."""
        rates = self.study.rates
        mean = rates.document_tokens if told["objective"] == "sdf" else rates.reply_tokens
        return min(mean, told[section]["max_new_tokens"])


@cache
def search(levels: tuple[float, ...], step: int, most: int) -> tuple[dict[str, int], list[int]]:
    """(level -> its dose, every dose tried), were the score in proportion to the dose."""
    tried: list[int] = []

    def score(n_seed: int) -> float:
        tried.append(n_seed)
        return 100 * n_seed / most

    grid = dose_grid(step, most)
    doses = {exact(level): pick_dose(score, level, grid)["n_seed"] for level in levels}
    return doses, sorted(set(tried))


def _searches(panel: Panel) -> bool:
    return any(cell.level is not None for cell in panel.cells)


def _fed(cell: dict) -> int:
    """Samples that a later cycle trains on."""
    return cell["n_sampled"] or cell["pairs"]
