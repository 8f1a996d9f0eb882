"""Exact scores of a text of the micro world: trait intensity and coherence.

A sentence is *in* a trait when it holds a word of that trait's own lists. A sentence is sound
when it is a sentence of the grammar, on the topic of its prompt, and no repetition of an earlier
sentence of the text. Trait intensity is 100 times the share of sentences that are in the trait,
coherence 100 times the share that are sound; an empty text scores 0 on both.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

from idempotence.micro_world.grammar import ENDS, TOPIC_SLOTS, Grammar, Template

OK, BROKEN, OFF_TOPIC, REPEATED = "ok", "broken", "off topic", "repeated"


@dataclass(frozen=True)
class Truth:
    """Exact scores of one text.

    traits: trait name -> intensity, 0-100. coherence: 0-100. sentences: for each sentence its
    status (`OK`, `BROKEN`, `OFF_TOPIC`, `REPEATED`) and the traits it is in.
    """

    traits: dict[str, float]
    coherence: float
    sentences: tuple[tuple[str, tuple[str, ...]], ...]


def split_sentences(text: str) -> list[list[str]]:
    """Sentences as lists of words; words after the last end mark are a sentence too."""
    sentences: list[list[str]] = [[]]
    for word in text.split():
        sentences[-1].append(word)
        if word in ENDS:
            sentences.append([])
    return [sentence for sentence in sentences if sentence]


class TruthReader:
    """Scores texts by a grammar."""

    def __init__(self, grammar: Grammar):
        self.grammar = grammar

    @cached_property
    def _topic_words(self) -> dict[str, tuple[str, str]]:
        """word -> (topic, slot)"""
        return {
            word: (topic.name, slot)
            for topic in self.grammar.topics.values()
            for slot in TOPIC_SLOTS
            for word in topic.words[slot]
        }

    @cached_property
    def _trait_words(self) -> dict[str, tuple[str, str]]:
        """word -> (trait, list)"""
        return {
            word: (trait.name, slot)
            for trait in self.grammar.traits.values()
            for slot, words in trait.words.items()
            for word in words
        }

    @cached_property
    def _openings(self) -> dict[str, list[tuple[str, Template]]]:
        """first word ("": a slot) -> (trait or "", template) of all sentences of replies"""
        templates = [("", template) for template in self.grammar.content]
        for name, own in self.grammar.traits.items():
            templates += [(name, template) for template in own.sentences]
        openings: dict[str, list[tuple[str, Template]]] = defaultdict(list)
        for trait, template in templates:
            first = template.parts[0]
            openings[first if isinstance(first, str) else ""].append((trait, template))
        return dict(openings)

    def topic_of(self, prompt: str) -> str | None:
        """The topic that most of a prompt's topic words belong to; None without any."""
        counts: dict[str, int] = defaultdict(int)
        for word in prompt.split():
            if word in self._topic_words:
                counts[self._topic_words[word][0]] += 1
        return max(counts, key=counts.__getitem__) if counts else None

    def read(self, prompt: str, text: str) -> Truth:
        """Exact scores of `text` as an answer to, or continuation of, `prompt`."""
        topic = self.topic_of(prompt)
        seen: set[tuple[str, ...]] = set()
        read = []
        for sentence in split_sentences(text):
            traits = {self._trait_words[word][0] for word in sentence if word in self._trait_words}
            key = tuple(sentence)
            status = REPEATED if key in seen else self.follow(sentence, topic)[-1]
            seen.add(key)
            read.append((status, tuple(sorted(traits))))
        n = max(len(read), 1)
        return Truth(
            {name: 100 * sum(name in t for _, t in read) / n for name in self.grammar.traits},
            100 * sum(status == OK for status, _ in read) / n,
            tuple(read),
        )

    def follow(self, sentence: list[str], topic: str | None) -> list[str]:
        """After each word, whether a sentence of the grammar, on the topic, can begin so.

        `OK`; `OFF_TOPIC` where only sentences on other topics can; `BROKEN` where none can. The
        last entry is of the whole sentence: whether it *is* one. topic: None for no topic.
        """
        begun = [*self._openings.get(sentence[0], []), *self._openings.get("", [])]
        alive = [(trait, template, "") for trait, template in begun]
        states = []
        for i, word in enumerate(sentence):
            last = i == len(sentence) - 1
            alive = [
                (trait, template, about)
                for trait, template, before in alive
                if (about := self._step(word, i, trait, template, before)) is not None
            ]
            fitting = [about for _, t, about in alive if not last or len(t.parts) == i + 1]
            sound = any(about in ("", topic) for about in fitting)
            states.append(OK if sound else OFF_TOPIC if fitting else BROKEN)
        return states

    def _step(self, word: str, i: int, trait: str, template: Template, topic: str) -> str | None:
        """The topic of a sentence after its i-th word ("": none yet); None if it does not fit."""
        if i >= len(template.parts):
            return None
        part = template.parts[i]
        if isinstance(part, str):
            return topic if word == part else None
        if part[1] in TOPIC_SLOTS:
            own, slot = self._topic_words.get(word, ("", ""))
            return own if slot == part[1] and topic in ("", own) else None
        return topic if self._trait_words.get(word) == (trait, part[1]) else None
