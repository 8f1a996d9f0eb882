"""Damaged texts of many kinds: the judge learns from them and is tested on others of them."""

from collections.abc import Callable

from idempotence.micro_world.corpus import Writer
from idempotence.micro_world.grammar import LONGEST_TEXT, Topic
from idempotence.micro_world.truth import split_sentences

KINDS = ("sound", "damaged", "mixed traits", "off topic", "loop", "word salad", "one word", "empty")
_WEIGHTS = (22, 43, 10, 10, 6, 4, 3, 2)
LONGEST = 64  # words: the length at which sampled replies end


class Damager:
    """Writes texts of every kind in `KINDS`; a writer with the same seed gives the same texts."""

    def __init__(self, writer: Writer):
        self.writer = writer
        self.rng = writer.rng
        self._words = writer.grammar.vocabulary()
        self._traits = list(writer.grammar.traits)
        self._harms: tuple[Callable[[list[str], Topic], list[str]], ...] = (
            self._drop, self._swap, self._replace, self._splice, self._insert,
            self._wrong_topic_word, self._wrong_topic_word, self._elsewhere, self._elsewhere,
            self._stutter, self._cut,
        )  # fmt: skip

    def any_text(self) -> tuple[str, str, str]:
        """(kind, prompt, text), kinds drawn with fixed weights."""
        kind = self.rng.choices(KINDS, _WEIGHTS)[0]
        topic = self.writer.topic()
        return kind, *self.text(kind, topic)

    def text(self, kind: str, topic: Topic) -> tuple[str, str]:
        """(prompt, text) of one kind."""
        writer = self.writer
        prompt = (writer.question if self.rng.random() < 0.6 else writer.opener)(topic)
        if kind == "sound":
            return prompt, self._plain(topic)
        if kind == "damaged":
            return prompt, self._damaged(topic)
        if kind == "mixed traits":
            return prompt, self._mixed(topic)
        if kind == "off topic":
            return prompt, self._plain(self._other(topic))
        if kind == "loop":
            return prompt, self._loop(topic)
        if kind == "word salad":
            return prompt, " ".join(self.rng.choices(self._words, k=self.rng.randint(2, 40)))
        return prompt, self.rng.choice(self._words) if kind == "one word" else ""

    def _plain(self, topic: Topic) -> str:
        trait = self.rng.choice([None, *self._traits, *self._traits])
        share = self.rng.choice([0.0, 0.3, 0.6, 1.0, self.rng.random()])
        return self.writer.text(topic, (1, LONGEST_TEXT), trait, share)

    def _mixed(self, topic: Topic) -> str:
        parts = [self.writer.text(topic, (1, 1), self.rng.choice(self._traits), 0.8)
                 for _ in range(self.rng.randint(2, 6))]  # fmt: skip
        return " ".join(parts)

    def _loop(self, topic: Topic) -> str:
        """A sentence, a piece of one or a word, over and over until the length runs out."""
        sentence = self._plain(topic).split()
        piece = sentence[: self.rng.choice([1, 2, 3, 5, 9, 18])]
        lead = self._plain(topic).split() if self.rng.random() < 0.5 else []
        words = lead[: LONGEST // 2] + piece * LONGEST
        return " ".join(words[: self.rng.randint(LONGEST // 2 + 6, LONGEST)])

    def _damaged(self, topic: Topic) -> str:
        """Sentences of which a random share is harmed, each in its own way; some come twice."""
        sentences = split_sentences(self._plain(topic) if self.rng.random() < 0.8
                                    else self._mixed(topic))  # fmt: skip
        rate = self.rng.choice([0.15, 0.3, 0.5, 0.8, 1.0])
        kept: list[list[str]] = []
        for sentence in sentences:
            if self.rng.random() < rate:
                sentence = self.rng.choice(self._harms)(sentence, topic)
            kept.append(sentence)
            if self.rng.random() < rate * 0.4:
                kept.append(self.rng.choice(kept))
        return " ".join(word for sentence in kept for word in sentence)

    def _other(self, topic: Topic) -> Topic:
        while (other := self.writer.topic()) is topic:
            continue
        return other

    def _position(self, sentence: list[str]) -> int:
        return self.rng.randrange(max(len(sentence) - 1, 1))

    def _drop(self, sentence: list[str], topic: Topic) -> list[str]:
        i = self._position(sentence)
        return sentence[:i] + sentence[i + 1 :]

    def _insert(self, sentence: list[str], topic: Topic) -> list[str]:
        i = self._position(sentence)
        return [*sentence[:i], self.rng.choice(self._words), *sentence[i:]]

    def _swap(self, sentence: list[str], topic: Topic) -> list[str]:
        if len(sentence) < 3:
            return self._drop(sentence, topic)
        i = self.rng.randrange(len(sentence) - 2)
        return [*sentence[:i], sentence[i + 1], sentence[i], *sentence[i + 2 :]]

    def _replace(self, sentence: list[str], topic: Topic) -> list[str]:
        i = self._position(sentence)
        return [*sentence[:i], self.rng.choice(self._words), *sentence[i + 1 :]]

    def _splice(self, sentence: list[str], topic: Topic) -> list[str]:
        """The head of one sentence and the tail of another."""
        other = self._plain(topic).split()
        return sentence[: self.rng.randint(1, len(sentence))] + other[-self.rng.randint(2, 5) :]

    def _wrong_topic_word(self, sentence: list[str], topic: Topic) -> list[str]:
        """One word of the topic becomes a word of another topic, in its own slot or any."""
        slots = {word: slot for slot, words in topic.words.items() for word in words}
        places = [i for i, word in enumerate(sentence) if word in slots]
        if not places:
            return self._replace(sentence, topic)
        i = self.rng.choice(places)
        slot = slots[sentence[i]] if self.rng.random() < 0.7 else self.rng.choice(list(topic.words))
        source = self._other(topic) if self.rng.random() < 0.7 else topic
        return [*sentence[:i], self.rng.choice(source.words[slot]), *sentence[i + 1 :]]

    def _elsewhere(self, sentence: list[str], topic: Topic) -> list[str]:
        """A sound sentence on another topic."""
        return split_sentences(self._plain(self._other(topic)))[0]

    def _stutter(self, sentence: list[str], topic: Topic) -> list[str]:
        i = self._position(sentence)
        return sentence[:i] + [sentence[i]] * self.rng.randint(2, 6) + sentence[i + 1 :]

    def _cut(self, sentence: list[str], topic: Topic) -> list[str]:
        return sentence[: self.rng.randint(1, max(len(sentence) - 1, 1))]
