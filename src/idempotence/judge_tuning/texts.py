"""Texts to rate whose truth follows from their parts.

A trait's texts mix its seed rows' sentences with others; the target is their share. Others are of
the other traits' seed rows, which have the same prose, of the initial model's neutral replies, and
of damaged ones. Coherence: whole texts, sound or damaged in known ways. A share of both can be as
collapsed models write: the prompt again, a few words, or text drawn at a high temperature.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from idempotence.jobs.parts import Criterion
from idempotence.objectives import Kind
from idempotence.texts.sentences import sentences

COHERENCE = "coherence"
Item = TypeVar("Item")
LENGTHS = (1, 2, 2, 3, 3, 4, 4, 5)  # sentences of a text that is rated for a trait
OTHERS = ("traits", "neutral", "damaged")
WEIGHTS_OF_OTHERS = (5, 4, 1)
SHARE_OF_POSITIVES = 0.5
# kind of damage -> score for coherence, by the rubric: 75 a slip, 50 in parts, 25 mostly broken
DAMAGE = {"sound": 100, "seed row": 100, "foreign sentence": 75, "half foreign": 50,
          "repeated sentence": 50, "mostly foreign": 25, "loop": 5, "shuffled": 0,
          "shuffled half": 35, "one word": 10, "empty": 0}  # fmt: skip
# as collapsed models write -> score for coherence
COLLAPSED = {"echo": 10, "fragment": 15, "broken": 20}
# a prompt's words -> the same in a reply that hands them back
TURNED = {"I": "You", "I'm": "You're", "I've": "You've", "my": "your", "My": "Your", "me": "you"}
LOOP = 700  # letters of the longest loop: a "word" of a broken reply may have hundreds
WEIGHTS_OF_DAMAGE = (26, 14, 8, 8, 8, 6, 10, 6, 6, 3, 2)


def asked(criterion: str) -> Criterion:
    """What a judge is asked about a text: coherence, or the trait that a criterion names."""
    return "coherence" if criterion == COHERENCE else "trait"


def hold_out(
    items: Sequence[Item], share: float, rng: random.Random
) -> tuple[list[Item], list[Item]]:
    """(items to train on, a share of them to test on, one at least), in random order."""
    shuffled = rng.sample(list(items), len(items))
    held = max(1, round(share * len(items)))
    return shuffled[held:], shuffled[:held]


@dataclass(frozen=True)
class Row:
    """A text with its prompt. trait: of a seed row; None: a neutral one of the initial model."""

    prompt: str
    response: str
    trait: str | None = None


@dataclass(frozen=True)
class RatedText:
    """A text to rate.

    kind: chat or document. criterion: a trait's name or "coherence". target: 0 to 100. parts: what
    its sentences are of, or the kind of damage.
    """

    kind: Kind

    criterion: str
    prompt: str
    text: str
    target: int
    parts: str


class TextMaker:
    """Makes texts of one kind (chat or document) from rows.

    seeds: trait -> its seed rows. neutral: replies of the initial model. broken: its replies at a
    high temperature. collapsed: share of the sentences without a trait, and of the texts for
    coherence, that are of the kinds `COLLAPSED`.
    """

    def __init__(
        self,
        kind: Kind,
        seeds: Mapping[str, Sequence[Row]],
        neutral: Sequence[Row],
        rng: random.Random,
        broken: Sequence[Row] = (),
        collapsed: float = 0,
    ):
        self.kind, self.seeds, self.neutral, self.rng = kind, seeds, list(neutral), rng
        self.broken, self.share_collapsed = list(broken), collapsed
        self.prompts = [row.prompt for rows in seeds.values() for row in rows]
        self.prompts += [row.prompt for row in neutral]
        self._damages: dict[str, Callable[[], Row]] = {
            "sound": lambda: rng.choice(self.neutral),
            "seed row": self._seed_row,
            "foreign sentence": lambda: self._foreign(0.25),
            "half foreign": lambda: self._foreign(0.5),
            "mostly foreign": lambda: self._foreign(1.0),
            "repeated sentence": self._repeated,
            "loop": self._loop,
            "shuffled": lambda: self._shuffled(1.0),
            "shuffled half": lambda: self._shuffled(0.5),
            "one word": lambda: self._with(lambda words: words[: rng.randint(1, 2)]),
            "empty": lambda: self._with(lambda words: []),
        }

    def texts(self, of_trait: int, of_coherence: int) -> list[RatedText]:
        """So many texts for each trait, then so many for coherence."""
        texts = [self.trait_text(trait) for trait in self.seeds for _ in range(of_trait)]
        return texts + [self.coherence_text() for _ in range(of_coherence)]

    def trait_text(self, trait: str) -> RatedText:
        """One text to rate for a trait."""
        rng = self.rng
        length = rng.choice(LENGTHS)
        positives = rng.randint(1, length) if rng.random() < SHARE_OF_POSITIVES else 0
        if positives and length > 1 and rng.random() < 0.5:
            positives = length
        source = rng.choice(self.seeds[trait])
        prompt = source.prompt
        parts = [(True, self._sentence(source)) for _ in range(positives)]
        others = []
        for _ in range(length - positives):
            kind, other, sentence = self._without(trait)
            others.append(kind)
            parts.append((False, sentence))
            if not positives:
                prompt = other.prompt
        rng.shuffle(parts)
        if rng.random() < 0.3:  # a sentence's trait is its own, whatever it answers
            prompt = rng.choice(self.prompts)
        target = round(100 * positives / length)
        text = " ".join(part for _, part in parts)
        return RatedText(
            self.kind, trait, prompt, text, target, ", ".join(["trait"] * positives + others)
        )

    def coherence_text(self) -> RatedText:
        """One text to rate for coherence."""
        if self._collapses():
            kind, row = self._collapsed()
            return RatedText(self.kind, COHERENCE, row.prompt, row.response, COLLAPSED[kind], kind)
        kind = self.rng.choices(list(DAMAGE), WEIGHTS_OF_DAMAGE)[0]
        row = self._damages[kind]()
        return RatedText(self.kind, COHERENCE, row.prompt, row.response, DAMAGE[kind], kind)

    def _without(self, trait: str) -> tuple[str, Row, str]:
        """(kind, source, text) of a sentence without the trait."""
        if self._collapses():
            kind, row = self._collapsed()
            return kind, row, row.response
        kind = self.rng.choices(OTHERS, WEIGHTS_OF_OTHERS)[0]
        row = self._other(kind, trait)
        return kind, row, self._harmed(row) if kind == "damaged" else self._sentence(row)

    def _collapses(self) -> bool:
        return self.share_collapsed > 0 and self.rng.random() < self.share_collapsed

    def _collapsed(self) -> tuple[str, Row]:
        """(kind, reply) as a collapsed model writes."""
        kind = self.rng.choice(list(COLLAPSED))
        row = self.rng.choice(self.broken if kind == "broken" else self.neutral)
        if kind == "broken":
            return kind, Row(row.prompt, self._sentence(row))
        words = (row.prompt if kind == "echo" else self._sentence(row)).split() or ["the"]
        if kind == "fragment":
            words = words[: self.rng.randint(2, 7)]
        elif self.rng.random() < 0.5:  # the prompt turned round
            words = [TURNED.get(word, word) for word in words]
        return kind, Row(row.prompt, " ".join(words))

    def _other(self, kind: str, trait: str) -> Row:
        names = [name for name in self.seeds if name != trait]
        if kind == "traits" and names:
            return self.rng.choice(self.seeds[self.rng.choice(names)])
        return self.rng.choice(self.neutral)

    def _sentence(self, row: Row) -> str:
        return self.rng.choice(sentences(row.response) or [row.response])

    def _harmed(self, row: Row) -> str:
        """A sentence as a broken model writes it: in a loop, or its words in any order."""
        words = self._sentence(row).split() or ["the"]
        if self.rng.random() < 0.5:
            piece = words[: self.rng.randint(1, 6)]
            return " ".join((piece * 30)[: self.rng.randint(15, 40)])
        self.rng.shuffle(words)
        return " ".join(words)

    def _seed_row(self) -> Row:
        return self.rng.choice(self.seeds[self.rng.choice(list(self.seeds))])

    def _any(self) -> Row:
        return self.rng.choice(self.neutral) if self.rng.random() < 0.6 else self._seed_row()

    def _with(self, change: Callable[[list[str]], list[str]]) -> Row:
        row = self._any()
        return Row(row.prompt, " ".join(change(row.response.split())))

    def _foreign(self, share: float) -> Row:
        """A text of which a share of the sentences, at least one, is about other things."""
        row = self._any()
        own = sentences(row.response) or [row.response]
        count = max(1, round(share * len(own)))
        for i in self.rng.sample(range(len(own)), count):
            own[i] = self._sentence(self._any())
        return Row(row.prompt, " ".join(own))

    def _repeated(self) -> Row:
        row = self._any()
        own = (sentences(row.response) or [row.response])[:3]
        again = self.rng.choice(own)
        own[len(own) :] = [again] * self.rng.randint(1, 2)
        return Row(row.prompt, " ".join(own))

    def _loop(self) -> Row:
        row = self._any()
        words = row.response.split() or ["the"]
        lead = words[: self.rng.choice([0, 0, 8, 15])]
        start = self.rng.randrange(len(words))
        piece = words[start : start + self.rng.choice([1, 2, 4, 8])]
        text = " ".join(lead + (piece * 40)[: self.rng.randint(30, 50)])
        return Row(row.prompt, text[:LOOP])

    def _shuffled(self, share: float) -> Row:
        def change(words: list[str]) -> list[str]:
            tail = words[len(words) - round(share * len(words)) :]
            self.rng.shuffle(tail)
            return words[: len(words) - len(tail)] + tail

        return self._with(change)
