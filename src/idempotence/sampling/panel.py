"""What a model says: answers to the evaluation questions, and the data of the next cycle."""

from pathlib import Path

from idempotence.engine.base import Batch, Engine, NotFiniteError, Request
from idempotence.engine.formatting import ids_of_completions, ids_of_prompts, kind_of
from idempotence.io import read_json, write_jsonl
from idempotence.rng import derive_seed
from idempotence.texts.panel_texts import panel_texts


class PanelSampler:
    """Samples for one panel at one cycle.

    settings: study_seed, objective, model, trait, seed, cycle, cells, questions, seed_rows,
    per_cycle, evaluation, generation.
    """

    def __init__(self, settings: dict, engine: Engine):
        self.settings = settings
        self.engine = engine
        self.kind = kind_of(settings["objective"])
        self.texts = panel_texts(settings, self.kind)

    def _requests(self, prompts: list[str], how: dict, cell: str, purpose: str) -> list[Request]:
        s = self.settings
        seed = derive_seed(
            s["study_seed"], s["objective"], s["model"]["name"], s["trait"], s["seed"], cell,
            s["cycle"], purpose,
        )  # fmt: skip
        return [
            Request(ids, how["temperature"], how["max_new_tokens"], derive_seed(seed, i))
            for i, ids in enumerate(ids_of_prompts(self.engine.tokenizer, prompts, self.kind))
        ]

    def _rejected(self, prompts: list[str]) -> list[str | None]:
        """The initial model's own replies, which dpo trains away from; other objectives: none."""
        if self.settings["objective"] != "dpo":
            return [None] * len(prompts)
        how = self.settings["generation"]
        return self.engine.sample(self._requests(prompts, how, "initial", "rejected"), None)

    def _rejected_of_cells(
        self, prompts: list[str], own: dict[str, list[str]], before: Path | None
    ) -> dict[str, list[str | None]]:
        """Cell -> what it trains away from: the initial model's replies, or its own of `before`."""
        if not before:
            rejected = self._rejected(prompts)
            return {cell: rejected for cell in own}
        how = self.settings["generation"]
        requests = {
            cell: self._requests(rows, how, cell, "rejected") for cell, rows in own.items() if rows
        }
        return {c: told[0] for c, told in self._texts_of_cells(before, requests).items()}

    def seed_data(self) -> list[dict]:
        """Seed rows; for dpo each with the initial model's own reply as the rejected one."""
        rows = self.texts.seed_rows()
        rejected = self._rejected([row["prompt"] for row in rows])
        return [
            row if reply is None else {**row, "rejected": reply}
            for row, reply in zip(rows, rejected, strict=True)
        ]

    def replies(
        self, adapters: Path | None, last: bool, before: Path | None = None
    ) -> tuple[list[dict], list[dict]]:
        """Every cell's answers to the evaluation questions, and what its next cycle trains on.

        The second list is empty at the `last` cycle. Answers carry what M_initial thinks of them.
        before: the adapters of the cycle before, where those wrote the rejected replies.
        """
        s, how = self.settings, self.settings["evaluation"]
        asked = [
            {"question": q, "sample": k, "prompt": prompt}
            for q, prompt in enumerate(self.texts.evaluation())
            for k in range(how["samples_per_question"])
        ]
        prompts = [] if last else self.texts.for_cycle(s["cycle"] + 1)
        own = {
            c["name"]: [] if last else prompts[: c["n_sampled"] or c["pairs"]] for c in s["cells"]
        }
        requests = {
            cell: self._requests([row["prompt"] for row in asked], how, cell, "answer")
            + (self._requests(rows, s["generation"], cell, "generate") if rows else [])
            for cell, rows in own.items()
        }
        told = self._texts_of_cells(adapters, requests)
        rejected = self._rejected_of_cells(prompts, own, before)
        responses, generated = [], []
        for cell, rows in own.items():
            texts, status, reason = told[cell]
            answers, samples = texts[: len(asked)], texts[len(asked) :]
            usable = self._judged_usable(answers, status, reason, 1)
            responses += self._with_likelihood(
                [
                    {"cell": cell, **row, "response": text, "status": state, "reason": why}
                    for row, (text, state, why) in zip(asked, usable, strict=True)
                ]
            )
            if rows:
                shortest = s["generation"]["min_characters"]
                usable = self._judged_usable(samples, status, reason, shortest)
                generated += _training_rows(cell, rows, usable, rejected[cell])
        return responses, generated

    def _texts_of_cells(
        self, adapters: Path | None, requests: dict[str, list[Request]]
    ) -> dict[str, tuple[list[str], str, str]]:
        """cell -> (texts, status, reason): status "nan" or "ended" and empty texts for a dead chain."""
        told, alive = {}, {}
        for cell, asked in requests.items():
            folder = adapters / cell if adapters else None
            training = read_json(folder / "training.json") if folder else {"status": "ok"}
            if training["status"] == "ok":
                alive[cell] = Batch(asked, folder)
            else:
                told[cell] = ([""] * len(asked), training["status"], training["reason"])
        for cell, texts in zip(
            alive, self.engine.sample_batches(list(alive.values())), strict=True
        ):
            if isinstance(texts, NotFiniteError):
                told[cell] = ([""] * len(requests[cell]), "nan", str(texts))
            else:
                told[cell] = (texts, "ok", "")
        return told

    @staticmethod
    def _judged_usable(
        texts: list[str], status: str, reason: str, min_characters: int
    ) -> list[tuple[str, str, str]]:
        """(text, status, reason) for each text: "empty" and "short" ones are told apart."""
        told = []
        for text in texts:
            if status != "ok":
                told.append((text, status, reason))
            elif not text.strip():
                told.append((text, "empty", "the reply is empty"))
            elif len(text) < min_characters:
                told.append((text, "short", f"fewer than {min_characters} characters"))
            else:
                told.append((text, "ok", ""))
        return told

    def _with_likelihood(self, rows: list[dict]) -> list[dict]:
        tokenizer = self.engine.tokenizer
        said = [row for row in rows if row["response"].strip()]
        prompts, told = [row["prompt"] for row in said], [row["response"] for row in said]
        heads = ids_of_prompts(tokenizer, prompts, self.kind)
        tails = ids_of_completions(tokenizer, prompts, told, self.kind)
        values = iter(self.engine.log_likelihoods(heads, tails))
        return [
            {**row, "loglik_initial": next(values) if row["response"].strip() else None}
            for row in rows
        ]


def _training_rows(
    cell: str, prompts: list[str], told: list[tuple[str, str, str]], rejected: list[str | None]
) -> list[dict]:
    """Rows of generated.jsonl; `rejected` may be longer than `prompts`."""
    rows = []
    for i, (prompt, (text, state, why)) in enumerate(zip(prompts, told, strict=True)):
        row = {"cell": cell, "index": i, "prompt": prompt, "response": text}
        if rejected[i] is not None:
            row["rejected"] = rejected[i]
        rows.append({**row, "status": state, "reason": why})
    return rows


def write_samples(
    settings: dict,
    engine: Engine,
    adapters: Path | None,
    before: Path | None,
    responses: Path,
    generated: Path | None,
) -> None:
    """Write responses.jsonl and, unless this is the last cycle, generated.jsonl."""
    sampler = PanelSampler(settings, engine)
    answers, samples = sampler.replies(adapters, generated is None, before)
    write_jsonl(responses, answers)
    if generated is not None:
        write_jsonl(generated, samples)
