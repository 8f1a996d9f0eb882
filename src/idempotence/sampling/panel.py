"""Answers to the evaluation questions, and the data of the next cycle."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from idempotence.doses import Cell
from idempotence.engine.adapter_files import checked
from idempotence.engine.base import Batch, Engine, NotFiniteError, Request, Sampled
from idempotence.engine.formatting import ids_of_prompts
from idempotence.io import write_jsonl
from idempotence.jobs.loop import CandidatesJob, InitialRowsJob, SampleJob
from idempotence.jobs.parts import Evaluation, Generation, Panel, PromptPool
from idempotence.rng import derive_seed
from idempotence.sampling.replies import (
    Reply,
    answer_rows,
    generated_rows,
    note_of_cuts,
    rejected_part,
    usable,
)
from idempotence.texts.panel_texts import panel_texts

LIKELIHOODS = ("loglik_own", "loglik_initial")


@dataclass(frozen=True)
class CellReplies:
    """A cell's texts. status: "ok"; "nan" or "ended", with empty texts, where its chain is dead."""

    drawn: list[Sampled]
    status: str
    reason: str

    def part(self, of: slice, min_characters: int) -> list[Reply]:
        """Some of the texts, each with its own status; shorter ones are not usable."""
        return usable(self.drawn[of], self.status, self.reason, min_characters)


class PanelSampler:
    """Samples for one panel at one cycle."""

    def __init__(
        self, panel: Panel, prompts: PromptPool, cycle: int, engine: Engine, scoring: int = 1
    ):
        self.panel, self.cycle, self.engine = panel, cycle, engine
        self.asking = "answer" if scoring == 1 else f"answer {scoring}"
        self.texts = panel_texts(panel, prompts)

    def seed_data(self, generation: Generation) -> list[dict]:
        """Seed rows; for dpo each with the initial model's own reply as the rejected one."""
        rows = self.texts.seed_rows()
        rejected = self._rejected([row["prompt"] for row in rows], generation)
        return [
            row | rejected_part(reply, generation)
            for row, reply in zip(rows, rejected, strict=True)
        ]

    def initial_rows(self, generation: Generation, number: int) -> list[dict]:
        """The initial model's replies to the first `number` prompts of the next cycle."""
        prompts = self.texts.for_cycle(self.cycle + 1)[:number]
        requests = self._requests(prompts, generation, "initial", "generate")
        drawn = self.engine.draw(requests, None)
        replies = usable(drawn, "ok", "", generation.min_characters)
        return generated_rows("initial", prompts, replies, [None] * number, generation)

    def candidates(self, adapters: Path | None, generation: Generation, further: int) -> list[dict]:
        """Every cell's further samples to the prompts of the next cycle, numbered from 1."""
        prompts = self.texts.for_cycle(self.cycle + 1)
        own = {cell.name: prompts[: cell.rows_per_cycle] for cell in self.panel.cells}
        numbers = range(1, further + 1)
        requests = {
            cell: [
                request
                for k in numbers
                for request in self._requests(asked, generation, cell, f"candidate {k}")
            ]
            for cell, asked in own.items()
        }
        replies, rows = self._replies(adapters, requests), []
        for cell, asked in own.items():
            for k in numbers:
                of = slice((k - 1) * len(asked), k * len(asked))
                texts = replies[cell].part(of, generation.min_characters)
                drawn = generated_rows(cell, asked, texts, [None] * len(asked), generation)
                rows += [{**row, "candidate": k} for row in drawn]
        return rows

    def answers(self, adapters: Path | None, evaluation: Evaluation) -> list[dict]:
        """Every cell's answers to the evaluation questions, without a next cycle's data."""
        return self.replies(adapters, evaluation, None)[0]

    def replies(
        self,
        adapters: Path | None,
        evaluation: Evaluation,
        generation: Generation | None,
        before: Path | None = None,
    ) -> tuple[list[dict], list[dict]]:
        """(rows of answers, rows that the next cycle trains on) of every cell.

        adapters: a folder per cell; None: the initial model. generation: None where no cycle
        follows; the second list is then empty. before: the adapters of the cycle before, where
        those write the rejected replies. Answers carry their likelihood under the initial model.
        """
        questions: list[dict] = [
            {"question": q, "sample": k, "prompt": prompt}
            for q, prompt in enumerate(self.texts.evaluation())
            for k in range(evaluation.samples_per_question)
        ]
        prompts = [] if generation is None else self.texts.for_cycle(self.cycle + 1)
        own = {
            cell.name: prompts[: cell.rows_per_cycle] if prompts else []
            for cell in self.panel.cells
        }
        requests = {
            cell: self._requests(
                [row["prompt"] for row in questions], evaluation, cell, self.asking
            )
            + (self._requests(rows, generation, cell, "generate") if rows and generation else [])
            for cell, rows in own.items()
        }
        replies = self._replies(adapters, requests)
        n_answers = len(questions)
        asked = slice(n_answers)
        answers = self._with_likelihoods(
            [
                row
                for cell in own
                for row in answer_rows(cell, questions, replies[cell].part(asked, 1))
            ],
            [
                (request.prompt, each)
                for cell in own
                for request, each in zip(
                    requests[cell][asked], replies[cell].drawn[asked], strict=True
                )
            ],
        )
        if generation is None:
            return answers, []
        rejected = self._rejected_of_cells(prompts, own, generation, before)
        least, samples = generation.min_characters, slice(n_answers, None)
        written = {cell: replies[cell].part(samples, least) for cell in own}
        generated = [
            row
            for cell, rows in own.items()
            for row in generated_rows(cell, rows, written[cell], rejected[cell], generation)
        ]
        return answers, generated

    def _requests(
        self, prompts: Sequence[str], how: Evaluation | Generation, cell: str, purpose: str
    ) -> list[Request]:
        """One request per prompt, each with a seed of its own."""
        p = self.panel
        seed = derive_seed(
            p.study_seed, p.method.section, p.model.name, p.trait, p.seed, cell, self.cycle, purpose
        )
        return [
            Request(ids, how.temperature, how.max_new_tokens, derive_seed(seed, i))
            for i, ids in enumerate(ids_of_prompts(self.engine.tokenizer, prompts, p.kind))
        ]

    def _rejected(self, prompts: Sequence[str], generation: Generation) -> list[Sampled | None]:
        """The initial model's own replies, where an objective trains away from them."""
        if not self.panel.method.pairs:
            return [None] * len(prompts)
        requests = self._requests(prompts, generation, "initial", "rejected")
        return list[Sampled | None](self.engine.draw(requests, None))

    def _rejected_of_cells(
        self,
        prompts: list[str],
        own: dict[str, list[str]],
        generation: Generation,
        before: Path | None,
    ) -> dict[str, list[Sampled | None]]:
        """Cell -> what it trains away from: the initial model's replies, or its own of `before`."""
        if before is None:
            rejected = self._rejected(prompts, generation)
            return {cell: rejected for cell in own}
        requests = {
            cell: self._requests(rows, generation, cell, "rejected")
            for cell, rows in own.items()
            if rows
        }
        return {
            cell: list[Sampled | None](each.drawn)
            for cell, each in self._replies(before, requests).items()
        }

    def _replies(
        self, adapters: Path | None, requests: dict[str, list[Request]]
    ) -> dict[str, CellReplies]:
        """Cell -> its texts; the cells whose chains are alive are sampled together."""
        replies, alive = {}, {}
        for cell, own in requests.items():
            folder = adapters / cell if adapters else None
            training = checked(folder) if folder else {"status": "ok"}
            if training["status"] == "ok":
                alive[cell] = Batch(own, folder)
            else:
                replies[cell] = _dead(own, training["status"], training["reason"])
        drawn = self.engine.draw_batches(list(alive.values()))
        for cell, texts in zip(alive, drawn, strict=True):
            if isinstance(texts, NotFiniteError):
                replies[cell] = _dead(requests[cell], "nan", str(texts))
            else:
                replies[cell] = CellReplies(texts, "ok", "")
                note = note_of_cuts(cell, texts)
                if note:
                    print(note, flush=True)
        return replies

    def _with_likelihoods(
        self, rows: list[dict], drawn: Sequence[tuple[list[int], Sampled]]
    ) -> list[dict]:
        """Answers with loglik_own and loglik_initial, nats per token as drawn; None if empty.

        drawn: (prompt, sample) of each row. Likelihoods are under the model that wrote the answer
        and under the initial one.
        """
        spoken = [
            (prompt, each)
            for row, (prompt, each) in zip(rows, drawn, strict=True)
            if row["response"].strip()
        ]
        initial = self.engine.log_likelihoods(
            [prompt for prompt, _ in spoken], [list(each.tokens) for _, each in spoken]
        )
        values = iter(zip((each.loglik for _, each in spoken), initial, strict=True))
        return [
            row | dict(zip(LIKELIHOODS, next(values), strict=True))
            if row["response"].strip()
            else row | dict.fromkeys(LIKELIHOODS)
            for row in rows
        ]


def _dead(requests: Sequence[Request], status: str, reason: str) -> CellReplies:
    return CellReplies([Sampled("", (), float("nan"))] * len(requests), status, reason)


def adapter_folders(cells: Sequence[Cell], *parents: Path | None) -> list[Path]:
    """The folders of the cells' adapters below each folder that is given."""
    return [parent / cell.name for parent in parents if parent for cell in cells]


def write_samples(
    job: SampleJob,
    engine: Engine,
    adapters: Path | None,
    before: Path | None,
    responses: Path,
    generated: Path | None,
) -> None:
    """Write responses.jsonl and generated.jsonl, which has no rows where no cycle follows.

    generated: None for the initial model, which no cycle follows.
    """
    sampler = PanelSampler(job.panel, job.prompts, job.cycle, engine, job.scoring)
    answers, samples = sampler.replies(adapters, job.evaluation, job.generation, before)
    write_jsonl(responses, answers)
    if generated is not None:
        write_jsonl(generated, samples)


def write_candidates(
    job: CandidatesJob, engine: Engine, adapters: Path | None, output: Path
) -> None:
    """Write candidates.jsonl: rows as in generated.jsonl, with the candidate's number."""
    sampler = PanelSampler(job.panel, job.prompts, job.cycle, engine)
    write_jsonl(output, sampler.candidates(adapters, job.generation, job.further))


def write_initial_rows(job: InitialRowsJob, engine: Engine, output: Path) -> None:
    """Write initial_rows.jsonl: rows as in generated.jsonl, of a cell "initial"."""
    sampler = PanelSampler(job.panel, job.prompts, job.cycle, engine)
    write_jsonl(output, sampler.initial_rows(job.generation, job.rows))
