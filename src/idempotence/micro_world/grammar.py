"""The language of the micro world: topics, sentences and traits of data/micro_world/grammar/."""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import yaml

from idempotence.errors import UserError
from idempotence.io import parse_yaml, read_json, read_text

WORLD = Path(__file__).parents[3] / "data" / "micro_world"
GRAMMAR_FOLDER = WORLD / "grammar"
TOPIC_SLOTS = ("verb", "tool", "place", "quality")
ENDS = (".", "!", "?", ":")
LONGEST_TEXT = 7  # sentences of the longest text that a model is built on
_SLOT = re.compile(r"^\{(\w+)\}$")


@dataclass(frozen=True)
class Template:
    """A sentence with slots: `parts` holds fixed words and, as ("slot", name), the slots."""

    source: str
    parts: tuple[str | tuple[str, str], ...]

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the slots, in order."""
        return tuple(part[1] for part in self.parts if isinstance(part, tuple))

    def fill(self, words: list[str]) -> str:
        """The sentence with its slots filled. words: one per slot, in order."""
        return self._pattern.format(*words)

    @cached_property
    def _pattern(self) -> str:
        fixed = (
            re.sub("[{}]", r"\g<0>\g<0>", part) for part in self.parts if isinstance(part, str)
        )
        return " ".join(next(fixed) if isinstance(part, str) else "{}" for part in self.parts)


@dataclass(frozen=True)
class Topic:
    """A topic: its name and the words of each slot."""

    name: str
    words: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Trait:
    """A trait: word lists of its own, and sentences that use them."""

    name: str
    words: dict[str, tuple[str, ...]]
    sentences: tuple[Template, ...]

    def vocabulary(self) -> set[str]:
        """Its own words, and the fixed words of its sentences."""
        listed = {word for words in self.words.values() for word in words}
        return listed | {p for each in self.sentences for p in each.parts if isinstance(p, str)}


@dataclass(frozen=True)
class Grammar:
    """The micro world's language: topics, templates of prompts and neutral sentences, traits."""

    topics: dict[str, Topic]
    questions: tuple[Template, ...]
    openers: tuple[Template, ...]
    content: tuple[Template, ...]
    traits: dict[str, Trait]

    def vocabulary(self) -> list[str]:
        """All words, sorted."""
        words: set[str] = set()
        templates = [*self.questions, *self.openers, *self.content]
        for trait in self.traits.values():
            words |= trait.vocabulary()
        for topic in self.topics.values():
            words.update(word for listed in topic.words.values() for word in listed)
        words.update(p for template in templates for p in template.parts if isinstance(p, str))
        return sorted(words)


@cache
def shipped_words() -> frozenset[str]:
    """The words that the shipped models know: the tokens that their tokenizer has."""
    content = read_json(WORLD / "instruct" / "tokenizer.json")
    return frozenset(content["model"]["vocab"])


def trait_names(folder: Path = GRAMMAR_FOLDER) -> list[str]:
    """Names of the grammar's traits: one file each."""
    return sorted(path.stem for path in (folder / "traits").glob("*.yaml"))


@cache
def load_grammar(folder: Path = GRAMMAR_FOLDER) -> Grammar:
    """Read and check the grammar.

    Raises `UserError`, naming the file, for a slot that does not exist, a topic word used twice,
    a topic word inside a fixed sentence, a trait sentence without a word of the trait's own, or a
    trait with too few sentences.
    """
    topics_file, sentences_file = folder / "topics.yaml", folder / "sentences.yaml"
    topics = {
        name: Topic(name, {slot: tuple(words[slot]) for slot in TOPIC_SLOTS})
        for name, words in _read(topics_file, needs_slots=True).items()
    }
    sentences = _read(sentences_file)
    fixed = {
        kind: tuple(_template(text, TOPIC_SLOTS, sentences_file) for text in sentences[kind])
        for kind in ("questions", "openers", "content")
    }
    traits = {name: _load_trait(folder / "traits" / f"{name}.yaml") for name in trait_names(folder)}
    grammar = Grammar(topics, fixed["questions"], fixed["openers"], fixed["content"], traits)
    _check_words(grammar, folder)
    return grammar


def _read(path: Path, needs_slots: bool = False) -> dict:
    try:
        content = parse_yaml(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({error})") from None
    for name, words in content.items() if needs_slots else ():
        if not isinstance(words, dict) or set(words) != set(TOPIC_SLOTS):
            raise UserError(f"{path}, {name}: needs exactly the lists {', '.join(TOPIC_SLOTS)}")
    return content


def _load_trait(path: Path) -> Trait:
    content = _read(path)
    if not isinstance(content, dict) or set(content) != {"words", "sentences"}:
        raise UserError(f"{path}: needs exactly the keys words and sentences")
    words = {slot: tuple(listed) for slot, listed in content["words"].items()}
    clash = set(words) & set(TOPIC_SLOTS)
    if clash:
        raise UserError(f"{path}: the list {min(clash)} has the name of a topic slot")
    templates = tuple(_template(t, (*TOPIC_SLOTS, *words), path) for t in content["sentences"])
    for template in templates:
        if not set(template.slots) & set(words):
            raise UserError(f"{path}: '{template.source}' has no word of the trait's own lists")
    if len(set(templates)) < LONGEST_TEXT:
        text = f"a text may have {LONGEST_TEXT}, none of them twice"
        raise UserError(f"{path}: has {len(set(templates))} different sentences; {text}")
    return Trait(path.stem, words, templates)


def _template(text: str, slots: tuple[str, ...], path: Path) -> Template:
    parts: list[str | tuple[str, str]] = []
    for word in text.split():
        match = _SLOT.match(word)
        if match and match[1] not in slots:
            raise UserError(f"{path}: '{text}' has the slot {word}; there is {', '.join(slots)}")
        parts.append(("slot", match[1]) if match else word)
    if not parts or parts[-1] not in ENDS or any(part in ENDS for part in parts[:-1]):
        raise UserError(f"{path}: '{text}' must end in one of {' '.join(ENDS)}, and only there")
    return Template(text, tuple(parts))


def _check_words(grammar: Grammar, folder: Path) -> None:
    """No word may be read in two ways: that is what makes the truth exact."""
    owner: dict[str, str] = {}
    fixed = {
        part
        for template in [*grammar.questions, *grammar.openers, *grammar.content]
        + [t for trait in grammar.traits.values() for t in trait.sentences]
        for part in template.parts
        if isinstance(part, str)
    }
    lists = [(topic.name, topic.words) for topic in grammar.topics.values()]
    lists += [(trait.name, trait.words) for trait in grammar.traits.values()]
    for name, by_slot in lists:
        for word in [word for words in by_slot.values() for word in words]:
            if word in owner:
                raise UserError(f"{folder}: '{word}' is listed in {owner[word]} and in {name}")
            if word in fixed:
                raise UserError(f"{folder}: '{word}' of {name} is also a fixed word of a sentence")
            owner[word] = name
