"""Seed rows written by a larger model from a trait's description, filtered and counted."""

import random
from collections import Counter
from pathlib import Path

from idempotence.errors import UserError
from idempotence.io import write_json, write_jsonl
from idempotence.rng import derive_seed
from idempotence.seed_rows.writers import Writer
from idempotence.texts import written
from idempotence.texts.distinct import Distinct
from idempotence.texts.generation import combinations, read_generation

MESSAGE_WORDS = (3, 60)  # of a chat's message; asked are 5-40
QUOTES = {'"': '"', "\u201c": "\u201d"}
REASONS = ("empty", "too short", "too long", "duplicate", "overlap")


class Sieve:
    """Keeps texts that have the right length and are new, and counts all of them by what they are.

    fewest, most: words. known: texts that a new one may not resemble ("duplicate"); what is kept
    is added. asked: texts that may not stand in a new one ("overlap"), as the evaluation's.
    """

    def __init__(self, fewest: int, most: int, known: list[str], asked: list[str]):
        self.fewest, self.most = fewest, most
        self.known, self.asked = Distinct(known), Distinct(asked, contained=True)
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
        if self.asked.like(text):
            return "overlap"
        return "duplicate" if self.known.like(text) else ""


class Generation:
    """The seed rows of one trait and kind.

    settings: study_seed, kind, trait, texts (folders), rows (how many), min_words, max_words,
    examples (written rows shown).
    """

    def __init__(self, settings: dict, writer: Writer):
        s = self.settings = settings
        self.writer = writer
        self.told = read_generation(s["kind"])
        self.traits, prompts = (Path(s["texts"][key]) for key in ("traits", "prompts"))
        self.trait = written.read_trait(self.traits, s["trait"])
        questions = self.trait[written.QUESTIONS[s["kind"]]]
        path = self.traits / s["trait"] / f"{written.FILES[s['kind']]}.jsonl"
        self.examples = list(written.read_rows(path)) if path.is_file() else []
        neutral = list(written.read_prompts(prompts, s["kind"]))
        shown = [row["response"] for row in self.examples]
        self.texts = Sieve(s["min_words"], s["max_words"], shown, questions)
        messages = [row["prompt"] for row in self.examples]
        self.messages = Sieve(*MESSAGE_WORDS, messages, [*questions, *neutral])

    def rows(self) -> list[dict]:
        """As many rows as asked for; raises UserError where all combinations give fewer."""
        wanted, kept, at = self.settings["rows"], [], 0
        every = list(enumerate(combinations(self.settings["kind"], self._seed("order"))))
        while len(kept) < wanted and at < len(every):
            batch = every[at : at + wanted - len(kept)]
            at += len(batch)
            kept += self._kept(batch)
        if len(kept) < wanted:
            raise UserError(
                f"the generator wrote {len(kept)} usable {self.settings['kind']} rows of the trait "
                f"{self.settings['trait']}, and {wanted} are wanted: {self._told_counts()}. Lower "
                "the number, loosen the bounds in `generator`, or add to the lists of "
                "data/generation.yaml; what was written is kept"
            )
        return kept

    def counts(self) -> dict[str, dict[str, int]]:
        """How many texts were asked for, dropped for each reason, and kept; messages are a chat's."""
        sieves = {"texts": self.texts}
        if self.settings["kind"] == "chat":
            sieves = {"messages": self.messages, **sieves}
        return {name: dict(sieve.counts) for name, sieve in sieves.items()}

    def _told_counts(self) -> str:
        return "; ".join(
            f"{name}: {', '.join(f'{n} {what}' for what, n in counts.items())}"
            for name, counts in self.counts().items()
        )

    def _kept(self, batch: list[tuple[int, dict]]) -> list[dict]:
        """Rows from numbered combinations."""
        if self.settings["kind"] == "chat":
            prompts = [self.told["message"].format(**about) for _, about in batch]
            said = self._write(batch, prompts, "message")
            batch = [
                (i, {**about, "message": text})
                for (i, about), text in zip(batch, said, strict=True)
                if self.messages.keeps(text)
            ]
        prompts = [self._ask_text(i, about) for i, about in batch]
        texts = self._write(batch, prompts, "text")
        rows = [
            {"prompt": about.get("message") or about["opening"],
             "response": text.removeprefix(about.get("opening", "")).lstrip()}
            for (_, about), text in zip(batch, texts, strict=True)
        ]  # fmt: skip
        return [row for row in rows if self.texts.keeps(row["response"])]

    def _ask_text(self, i: int, about: dict) -> str:
        draw = random.Random(self._seed("examples", i))
        shown = draw.sample(self.examples, min(self.settings["examples"], len(self.examples)))
        examples = "".join(self.told["example"].format(**row) for row in shown)
        if examples:
            examples = f"Examples of the manner; write something of your own:\n{examples}\n"
        return self.told["text"].format(
            **about, description=self.trait["description"].strip(), examples=examples,
            fewest=self.settings["min_words"], most=self.settings["max_words"],
        )  # fmt: skip

    def _write(self, batch: list[tuple[int, dict]], prompts: list[str], step: str) -> list[str]:
        texts = self.writer.write(prompts, [self._seed(step, i) for i, _ in batch])
        return [_bare(text) for text in texts]

    def _seed(self, *purpose: str | int) -> int:
        s = self.settings
        return derive_seed(s["study_seed"], s["kind"], s["trait"], "generate", *purpose)


def _bare(text: str) -> str:
    """Without blanks around it and without quotation marks around the whole."""
    text = text.strip()
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def generate_seed_data(settings: dict, writer: Writer, rows: Path, counts: Path) -> None:
    """Write a trait's seed rows, and how many texts it took."""
    generation = Generation(settings, writer)
    made = generation.rows()
    write_json(counts, generation.counts())
    write_jsonl(rows, made)
