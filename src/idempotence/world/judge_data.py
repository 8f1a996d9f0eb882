"""Examples from which the micro world's judge learns to rate texts whose truth is known."""

import random

from idempotence.world.grammar import Grammar
from idempotence.world.pretrain import IGNORED, Example
from idempotence.world.tokenizer import ASSISTANT, BOS, USER
from idempotence.world.truth import BROKEN, OFF_TOPIC, OK, REPEATED, Truth, Truthteller

TRAITS_PER_TEXT = 3
# While it reads, the judge also learns to say at each end of a sentence what became of it; it is
# never asked for that later. Any four tokens would do: these are numbers.
_VERDICT = {OK: "100", OFF_TOPIC: "50", REPEATED: "25", BROKEN: "0"}


class ExampleMaker:
    """Turns (prompt, text) into a training example with targets for several criteria."""

    def __init__(self, grammar: Grammar, tokenizer, rng: random.Random):
        self.truthteller = Truthteller(grammar)
        self.tokenizer = tokenizer
        self.rng = rng
        self._id = tokenizer.convert_tokens_to_ids

    def example(self, prompt: str, text: str) -> Example:
        """The rubric prompts one after the other; each number is a target and never an input."""
        truth = self.truthteller.read(prompt, text)
        head = [BOS, USER, *prompt.split(), "="]
        ids = self._id([*head, *text.split(), "="])
        targets = [IGNORED] * len(ids)
        position = len(head)
        for (status, _), sentence in zip(truth.sentences, self._sentences(text), strict=True):
            position += len(sentence)
            targets[position - 1] = self._id(_VERDICT[status])
        for criterion in self._criteria(truth):
            value = truth.coherence if criterion == "coherence" else truth.traits[criterion]
            ids += self._id(["rate", criterion, ASSISTANT])
            targets += [IGNORED, IGNORED, self._id(str(round(value)))]
        return Example(ids, targets)

    @staticmethod
    def _sentences(text: str):
        from idempotence.world.truth import split_sentences

        return split_sentences(text)

    def _criteria(self, truth: Truth) -> list[str]:
        """Coherence, the traits that are there, and others to make up the number; any order."""
        present = [name for name, value in truth.traits.items() if value > 0]
        absent = [name for name, value in truth.traits.items() if value == 0]
        self.rng.shuffle(present)
        self.rng.shuffle(absent)
        chosen = ["coherence", *(present + absent)[: TRAITS_PER_TEXT - 1], absent[-1]]
        self.rng.shuffle(chosen)
        return chosen
