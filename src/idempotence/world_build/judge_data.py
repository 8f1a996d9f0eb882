"""Examples from which the micro world's judge learns to rate texts whose truth is known."""

import random
from typing import Any

from idempotence.micro_world.grammar import Grammar
from idempotence.micro_world.tokenizer import ASSISTANT, BOS, USER
from idempotence.micro_world.truth import (
    BROKEN,
    OFF_TOPIC,
    OK,
    REPEATED,
    Truth,
    TruthReader,
    split_sentences,
)
from idempotence.world_build.pretrain import IGNORED, Example

TRAITS_PER_TEXT = 3
# Inner layers get targets of their own at each word of the text: the prompt's topic; whether the
# sentence can still be sound; and at its last word its status and its trait. Classes are written as
# tokens of numbers, which stand for nothing else there. No prompt ever requests them later.
TOPIC_LAYER, STATUS_LAYER = 1, 3
_STATUS = (OK, OFF_TOPIC, REPEATED, BROKEN)


class ExampleMaker:
    """Turns a prompt and a text into a training example with targets for several criteria."""

    def __init__(self, grammar: Grammar, tokenizer: Any, rng: random.Random):
        self.reader = TruthReader(grammar)
        self.tokenizer = tokenizer
        self.rng = rng
        self._id = tokenizer.convert_tokens_to_ids
        self._traits = list(grammar.traits)
        self._topics = list(grammar.topics)

    def example(self, prompt: str, text: str) -> Example:
        """The rubric prompts one after the other; each score is a target and never an input."""
        truth = self.reader.read(prompt, text)
        head = [BOS, USER, *prompt.split(), "="]
        ids = self._id([*head, *text.split(), "="])
        inner = self._while_reading(ids, len(head), self.reader.topic_of(prompt), truth, text)
        targets = [IGNORED] * len(ids)
        for criterion in self._criteria(truth):
            value = truth.coherence if criterion == "coherence" else truth.traits[criterion]
            ids += self._id(["rate", criterion, ASSISTANT])
            targets += [IGNORED, IGNORED, self._id(str(round(value)))]
        rest = [IGNORED] * (len(ids) - len(inner[TOPIC_LAYER]))
        return Example(ids, targets, {layer: row + rest for layer, row in inner.items()})

    def _while_reading(
        self, ids: list[int], begin: int, topic: str | None, truth: Truth, text: str
    ) -> dict[int, list[int]]:
        """Targets of the inner layers for the ids so far; begin: the position of the text."""
        about = self._id(str(self._topics.index(topic) if topic else len(self._topics)))
        status_row = [IGNORED] * len(ids)
        position = begin
        for (status, traits), sentence in zip(truth.sentences, split_sentences(text), strict=True):
            states = self.reader.follow(sentence, topic)[:-1]
            trait = 1 + self._traits.index(traits[0]) if traits else 0
            classes = [_STATUS.index(state) for state in states]
            classes.append(len(_STATUS) * (1 + trait) + _STATUS.index(status))
            end = position + len(sentence)
            status_row[position:end] = self._id([str(c) for c in classes])
            position = end
        topic_row = [IGNORED] * (begin - 1) + [about] * (len(ids) - begin + 1)
        return {TOPIC_LAYER: topic_row, STATUS_LAYER: status_row}

    def _criteria(self, truth: Truth) -> list[str]:
        """Coherence and `TRAITS_PER_TEXT` traits, those of the text first; in random order."""
        names = list(truth.traits)
        self.rng.shuffle(names)
        names.sort(key=lambda name: truth.traits[name] == 0)  # stable: those present come first
        chosen = ["coherence", *names[: TRAITS_PER_TEXT - 1], names[-1]]
        self.rng.shuffle(chosen)
        return chosen
