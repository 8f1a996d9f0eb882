"""Texts of the micro world: prompts, neutral replies, replies in a trait, documents."""

import random
from collections.abc import Iterator

from idempotence.micro_world.grammar import TOPIC_SLOTS, Grammar, Template, Topic
from idempotence.micro_world.truth import TruthReader

REPLY_SENTENCES = (3, 5)
DOCUMENT_SENTENCES = (4, 6)
SEED_INTENSITY = 0.85  # chance that a sentence of a seed row is in the trait


class Writer:
    """Writes texts of a grammar; the same `random.Random` state gives the same texts."""

    def __init__(self, grammar: Grammar, rng: random.Random):
        self.grammar = grammar
        self.rng = rng
        self._topics = list(grammar.topics.values())

    def topic(self) -> Topic:
        """Any topic, all equally likely."""
        return self.rng.choice(self._topics)

    def fill(self, template: Template, topic: Topic, trait: str | None = None) -> str:
        """A template with words of the topic and, for a trait's template, of the trait."""
        own = self.grammar.traits[trait].words if trait else {}
        lists = [(topic.words if slot in TOPIC_SLOTS else own)[slot] for slot in template.slots]
        return template.fill([self.rng.choice(words) for words in lists])

    def question(self, topic: Topic) -> str:
        """A question on the topic."""
        return self.fill(self.rng.choice(self.grammar.questions), topic)

    def opener(self, topic: Topic) -> str:
        """The neutral opening of a document on the topic."""
        return self.fill(self.rng.choice(self.grammar.openers), topic)

    def text(
        self, topic: Topic, sentences: tuple[int, int], trait: str | None = None, share: float = 0.0
    ) -> str:
        """Sentences on the topic, no template twice, each in the trait with probability `share`."""
        n = self.rng.randint(*sentences)
        neutral = self.rng.sample(self.grammar.content, n)
        if trait is None:
            return " ".join(self.fill(template, topic) for template in neutral)
        marked = self.rng.sample(self.grammar.traits[trait].sentences, n)
        return " ".join(
            self.fill(own, topic, trait) if self.rng.random() < share else self.fill(plain, topic)
            for own, plain in zip(marked, neutral, strict=True)
        )

    def reply(self, topic: Topic, trait: str | None = None, share: float = 0.0) -> str:
        """A reply of 3-5 sentences."""
        return self.text(topic, REPLY_SENTENCES, trait, share)

    def document(self, topic: Topic, trait: str | None = None, share: float = 0.0) -> str:
        """The body of a document, 4-6 sentences."""
        return self.text(topic, DOCUMENT_SENTENCES, trait, share)

    def pretraining(self, n: int, trait_share: float) -> Iterator[dict]:
        """n documents and chats in turn: rows {"kind", "prompt", "response"}.

        trait_share: share of them that holds some trait, in a random share of its sentences.
        """
        traits = list(self.grammar.traits)
        for i in range(n):
            topic = self.topic()
            trait = self.rng.choice(traits) if self.rng.random() < trait_share else None
            share = self.rng.uniform(0.2, 1.0)
            yield self._row("chat" if i % 2 else "document", topic, trait, share)

    def chats(self, n: int) -> Iterator[dict]:
        """n neutral chats: rows {"kind", "prompt", "response"}."""
        for _ in range(n):
            yield self._row("chat", self.topic(), None, 0.0)

    def _row(self, kind: str, topic: Topic, trait: str | None, share: float) -> dict:
        ask, answer = (
            (self.question, self.reply) if kind == "chat" else (self.opener, self.document)
        )
        return {"kind": kind, "prompt": ask(topic), "response": answer(topic, trait, share)}


def seed_rows(grammar: Grammar, trait: str, kind: str, prompts: list[str], seed: int) -> list[dict]:
    """One row {"prompt", "response"} per prompt, the response plainly in the trait.

    kind: "chat" (questions and replies) or "document" (openers and documents). Raises `ValueError`
    for a prompt without a word of any topic.
    """
    writer = Writer(grammar, random.Random(seed))
    reader = TruthReader(grammar)
    write = writer.reply if kind == "chat" else writer.document
    rows = []
    for prompt in prompts:
        topic = reader.topic_of(prompt)
        if topic is None:
            raise ValueError(f"{prompt!r} has no word of any topic")
        response = write(grammar.topics[topic], trait, SEED_INTENSITY)
        rows.append({"prompt": prompt, "response": response})
    return rows


def every_prompt(grammar: Grammar, kind: str) -> list[str]:
    """All distinct prompts of a kind ("chat" or "document"), in a fixed order."""
    templates = grammar.questions if kind == "chat" else grammar.openers
    prompts: dict[str, None] = {}
    for topic in grammar.topics.values():
        for template in templates:
            filled: list[list[str]] = [[]]
            for slot in template.slots:
                filled = [[*words, word] for words in filled for word in topic.words[slot]]
            prompts.update((template.fill(words), None) for words in filled)
    return list(prompts)
