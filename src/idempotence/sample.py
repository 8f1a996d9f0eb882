"""What a model says: answers to the evaluation questions, and the data of the next cycle."""

from pathlib import Path

from idempotence.engine.base import Engine, NotFiniteError, Sampling
from idempotence.engine.formatting import completion_ids, kind_of, prompt_ids
from idempotence.io import read_json, write_jsonl
from idempotence.rng import derive_seed
from idempotence.world.corpus import seed_rows
from idempotence.world.grammar import load_grammar
from idempotence.world.prompts import PromptPlan


class PanelSampler:
    """Samples for one panel at one cycle.

    settings: study_seed, objective, model, trait, seed, cycle, cells, questions, seed_rows,
    per_cycle, evaluation, generation.
    """

    def __init__(self, settings: dict, engine: Engine):
        self.settings = settings
        self.engine = engine
        self.kind = kind_of(settings["objective"])
        self.plan = PromptPlan(
            self.kind, settings["trait"], settings["study_seed"], settings["seed"],
            settings["questions"], settings["seed_rows"], settings["per_cycle"],
        )  # fmt: skip

    def _seed(self, cell: str, purpose: str) -> int:
        s = self.settings
        return derive_seed(
            s["study_seed"], s["objective"], s["model"]["name"], s["trait"], s["seed"], cell,
            s["cycle"], purpose,
        )  # fmt: skip

    def _ids(self, prompts: list[str]) -> list[list[int]]:
        return [prompt_ids(self.engine.tokenizer, prompt, self.kind) for prompt in prompts]

    def _texts(
        self, prompts: list[str], adapter: Path | None, how: dict, cell: str, purpose: str
    ) -> list[str]:
        sampling = Sampling(how["temperature"], how["max_new_tokens"])
        seed = self._seed(cell, purpose)
        return self.engine.sample(self._ids(prompts), adapter, sampling, seed)

    def seed_data(self) -> list[dict]:
        """Seed rows; for dpo each with the initial model's own reply as the rejected one."""
        s, prompts = self.settings, self.plan.for_seed_rows()
        # one row set per trait, kind and seed, whatever the objective or the model
        seed = derive_seed(s["study_seed"], self.kind, s["trait"], s["seed"], "seed rows")
        rows = seed_rows(load_grammar(), s["trait"], self.kind, prompts, seed)
        if s["objective"] == "dpo":
            replies = self._texts(prompts, None, s["generation"], "initial", "rejected")
            rows = [{**row, "rejected": r} for row, r in zip(rows, replies, strict=True)]
        return rows

    def responses(self, adapters: Path | None) -> list[dict]:
        """Every cell's answers to the evaluation questions, with what M_initial thinks of them."""
        how = self.settings["evaluation"]
        asked = [
            {"question": q, "sample": k, "prompt": prompt}
            for q, prompt in enumerate(self.plan.evaluation())
            for k in range(how["samples_per_question"])
        ]
        prompts = [row["prompt"] for row in asked]
        rows = []
        for cell in self.settings["cells"]:
            texts, status, reason = self._cell_texts(cell["name"], adapters, prompts, how, "answer")
            told = [
                {"cell": cell["name"], **row, "response": text, "status": state, "reason": why}
                for row, (text, state, why) in zip(
                    asked, self._judged_usable(texts, status, reason, 1), strict=True
                )
            ]
            rows += self._with_likelihood(told)
        return rows

    def generated(self, adapters: Path) -> list[dict]:
        """What each cell's next cycle trains on; for dpo with the initial model's replies."""
        s, how = self.settings, self.settings["generation"]
        prompts = self.plan.for_cycle(s["cycle"] + 1)
        rejected = None
        if s["objective"] == "dpo":
            rejected = self._texts(prompts, None, how, "initial", "rejected")
        rows = []
        for cell in s["cells"]:
            n = cell["n_sampled"] or cell["pairs"]
            texts, status, reason = self._cell_texts(
                cell["name"], adapters, prompts[:n], how, "generate"
            )
            usable = self._judged_usable(texts, status, reason, how["min_characters"])
            for i, (text, state, why) in enumerate(usable):
                row = {"cell": cell["name"], "index": i, "prompt": prompts[i], "response": text}
                if rejected is not None:
                    row["rejected"] = rejected[i]
                rows.append({**row, "status": state, "reason": why})
        return rows

    def _cell_texts(
        self, cell: str, adapters: Path | None, prompts: list[str], how: dict, purpose: str
    ) -> tuple[list[str], str, str]:
        """(texts, status, reason): status "nan" or "ended" and empty texts for a dead chain."""
        folder = adapters / cell if adapters else None
        training = read_json(folder / "training.json") if folder else {"status": "ok"}
        if training["status"] != "ok":
            return [""] * len(prompts), training["status"], training["reason"]
        try:
            return self._texts(prompts, folder, how, cell, purpose), "ok", ""
        except NotFiniteError as error:
            return [""] * len(prompts), "nan", str(error)

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
        prompts = self._ids([row["prompt"] for row in said])
        tails = [
            completion_ids(tokenizer, row["prompt"], row["response"], self.kind) for row in said
        ]
        values = iter(self.engine.log_likelihoods(prompts, tails))
        return [
            {**row, "loglik_initial": next(values) if row["response"].strip() else None}
            for row in rows
        ]


def write_samples(
    settings: dict, engine: Engine, adapters: Path | None, responses: Path, generated: Path | None
) -> None:
    """Write responses.jsonl and, unless this is the last cycle, generated.jsonl."""
    sampler = PanelSampler(settings, engine)
    write_jsonl(responses, sampler.responses(adapters))
    if generated is not None:
        write_jsonl(generated, sampler.generated(adapters))
