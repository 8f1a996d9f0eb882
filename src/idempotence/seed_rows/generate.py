"""Seed rows written by a larger model from a trait's description, filtered and counted."""

import random
from collections import Counter
from pathlib import Path

from idempotence.errors import UserError
from idempotence.io import write_json, write_jsonl
from idempotence.jobs.preparation import GenerateSeedDataJob
from idempotence.rng import derive_seed
from idempotence.seed_rows.writers import Writer
from idempotence.texts.distinct import Distinct
from idempotence.texts.generation import combinations, read_generation
from idempotence.texts.written import FILES, QUESTIONS, read_prompts, read_rows, read_trait

MESSAGE_WORDS = (3, 60)  # of a chat's message; its template wants 5-40
QUOTES = {'"': '"', "\u201c": "\u201d"}
REASONS = ("empty", "too short", "too long", "duplicate", "overlap")


class Sieve:
    """Keeps texts that have the right length and are new, and counts all of them by what they are.

    fewest, most: words. known: texts that a new one may not resemble ("duplicate"); what is kept
    is added. questions: texts that may not stand in a new one ("overlap"), as the evaluation's.
    """

    def __init__(self, fewest: int, most: int, known: list[str], questions: list[str]):
        self.fewest, self.most = fewest, most
        self.known, self.questions = Distinct(known), Distinct(questions, contained=True)
        self.counts = Counter(dict.fromkeys(("asked", *REASONS, "kept"), 0))

    def keeps(self, text: str) -> bool:
        """Whether a text stays."""
        reason = self._reason(text)
        self.counts.update(["asked", reason or "kept"])
        if not reason:
            self.known.add(text)
        return not reason

    def _reason(self, text: str) -> str:
        words = len(text.split())
        if not words:
            return "empty"
        if words < self.fewest:
            return "too short"
        if words > self.most:
            return "too long"
        if self.questions.like(text):
            return "overlap"
        return "duplicate" if self.known.like(text) else ""


class Generation:
    """The seed rows of one trait and kind."""

    def __init__(self, job: GenerateSeedDataJob, writer: Writer):
        self.job, self.writer = job, writer
        self.templates = read_generation(job.kind)
        traits = Path(job.texts.traits)
        self.trait = read_trait(traits, job.trait)
        questions = self.trait[QUESTIONS[job.kind]]
        path = traits / job.trait / f"{FILES[job.kind]}.jsonl"
        self.examples = list(read_rows(path)) if path.is_file() else []
        neutral = list(read_prompts(Path(job.texts.prompts), job.kind))
        shown = [row["response"] for row in self.examples]
        self.texts = Sieve(job.min_words, job.max_words, shown, questions)
        messages = [row["prompt"] for row in self.examples]
        self.messages = Sieve(*MESSAGE_WORDS, messages, [*questions, *neutral])

    def rows(self) -> list[dict[str, str]]:
        """As many rows as the job wants; raises `UserError` where all combinations give fewer."""
        wanted, at = self.job.rows, 0
        kept: list[dict[str, str]] = []
        every = list(enumerate(combinations(self.job.kind, self._seed("order"))))
        while len(kept) < wanted and at < len(every):
            batch = every[at : at + wanted - len(kept)]
            at += len(batch)
            kept += self._kept(batch)
        if len(kept) < wanted:
            raise UserError(
                f"the generator wrote {len(kept)} usable {self.job.kind} rows of the trait "
                f"{self.job.trait}, and {wanted} are wanted: {self._counts_in_words()}. In "
                f"generator.{self.job.kind}s lower rows or min_words, or raise max_words; or add "
                "to the lists of data/generation.yaml. What was written is kept"
            )
        return kept

    def counts(self) -> dict[str, dict[str, int]]:
        """How many texts were written, dropped by reason, and kept; only chats have messages."""
        sieves = {"texts": self.texts}
        if self.job.kind == "chat":
            sieves = {"messages": self.messages, **sieves}
        return {name: dict(sieve.counts) for name, sieve in sieves.items()}

    def _counts_in_words(self) -> str:
        return "; ".join(
            f"{name}: {', '.join(f'{n} {what}' for what, n in counts.items())}"
            for name, counts in self.counts().items()
        )

    def _kept(self, batch: list[tuple[int, dict]]) -> list[dict[str, str]]:
        """Rows from numbered combinations."""
        if self.job.kind == "chat":
            prompts = [self.templates["message"].format(**parts) for _, parts in batch]
            messages = self._write(batch, prompts, "message")
            batch = [
                (i, {**parts, "message": text})
                for (i, parts), text in zip(batch, messages, strict=True)
                if self.messages.keeps(text)
            ]
        prompts = [self._request(i, parts) for i, parts in batch]
        texts = self._write(batch, prompts, "text")
        rows = [
            {"prompt": parts.get("message") or parts["opening"],
             "response": text.removeprefix(parts.get("opening", "")).lstrip()}
            for (_, parts), text in zip(batch, texts, strict=True)
        ]  # fmt: skip
        return [row for row in rows if self.texts.keeps(row["response"])]

    def _request(self, i: int, parts: dict) -> str:
        """What the writer is asked for by the i-th combination."""
        draw = random.Random(self._seed("examples", i))
        shown = draw.sample(self.examples, min(self.job.examples, len(self.examples)))
        examples = "".join(self.templates["example"].format(**row) for row in shown)
        if examples:
            examples = f"Examples of the manner; write something of your own:\n{examples}\n"
        return self.templates["text"].format(
            **parts, description=self.trait["description"].strip(), examples=examples,
            fewest=self.job.min_words, most=self.job.max_words,
        )  # fmt: skip

    def _write(self, batch: list[tuple[int, dict]], prompts: list[str], step: str) -> list[str]:
        texts = self.writer.write(prompts, [self._seed(step, i) for i, _ in batch])
        return [_bare(text) for text in texts]

    def _seed(self, *purpose: str | int) -> int:
        job = self.job
        return derive_seed(job.study_seed, job.kind, job.trait, "generate", *purpose)


def _bare(text: str) -> str:
    """Without blanks around it and without quotation marks around the whole."""
    text = text.strip()
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def generate_seed_data(
    job: GenerateSeedDataJob, writer: Writer, output_rows: Path, output_counts: Path
) -> None:
    """Write a trait's seed rows, and how many texts it took."""
    generation = Generation(job, writer)
    rows = generation.rows()
    write_json(output_counts, generation.counts())
    write_jsonl(output_rows, rows)
