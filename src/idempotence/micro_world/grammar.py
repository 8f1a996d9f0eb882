"""The language of the micro world: topics, sentences and traits of data/micro_world/grammar/."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from idempotence.errors import UserError
from idempotence.io import parse_yaml, read_json, read_text

WORLD = Path(__file__).parents[3] / "data" / "micro_world"
GRAMMAR_FOLDER = WORLD / "grammar"
KINDS = ("questions", "openers", "content")  # of sentences without a trait
TOPIC_SLOTS = ("verb", "tool", "place", "quality")
ENDS = (".", "!", "?", ":")
LONGEST_TEXT = 7  # sentences of the longest text that a model is built on
_CAPITAL = "with a capital letter; the language is all lower case"
_ONCE = "a word may be listed once only"
_NOT_FIXED = "a listed word may stand in no sentence as it is"
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

    @property
    def fixed(self) -> tuple[str, ...]:
        """The words that stand in it as they are, in order."""
        return tuple(part for part in self.parts if isinstance(part, str))

    def fill(self, words: list[str]) -> str:
        """The sentence with its slots filled. words: one per slot, in order."""
        return self._pattern.format(*words)

    @cached_property
    def _pattern(self) -> str:
        fixed = (re.sub("[{}]", r"\g<0>\g<0>", word) for word in self.fixed)
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
        return listed | {word for each in self.sentences for word in each.fixed}


@dataclass(frozen=True)
class Grammar:
    """The micro world's language: topics, templates of prompts and neutral sentences, traits."""

    topics: dict[str, Topic]
    questions: tuple[Template, ...]
    openers: tuple[Template, ...]
    content: tuple[Template, ...]
    traits: dict[str, Trait]

    @property
    def neutral(self) -> tuple[Template, ...]:
        """The sentences without a trait."""
        return (*self.questions, *self.openers, *self.content)

    def vocabulary(self) -> list[str]:
        """All words, sorted."""
        words: set[str] = set()
        for trait in self.traits.values():
            words |= trait.vocabulary()
        for topic in self.topics.values():
            words.update(word for listed in topic.words.values() for word in listed)
        words.update(word for template in self.neutral for word in template.fixed)
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

    Raises `UserError` with a line for each mistake, naming the file: a list or sentence of another
    form, a slot that does not exist, a capital letter, a trait's sentence without a word of the
    trait's own, a trait with too few sentences. Where there is none of these: a word that is listed
    twice, or that is a fixed word of a sentence as well.
    """
    topics_file, sentences_file = folder / "topics.yaml", folder / "sentences.yaml"
    checks = {topics_file: _topic_mistakes, sentences_file: _neutral_mistakes}
    trait_files = [folder / "traits" / f"{name}.yaml" for name in trait_names(folder)]
    contents = {path: _read(path) for path in (*checks, *trait_files)}
    mistakes = (
        f"{path.relative_to(folder)}: {mistake}"
        for path, content in contents.items()
        for mistake in checks.get(path, _trait_mistakes)(content)
    )
    _refuse(folder, mistakes)
    neutral = {
        kind: tuple(_template(text) for text in contents[sentences_file][kind]) for kind in KINDS
    }
    grammar = Grammar(
        {
            name: Topic(name, {slot: tuple(words[slot]) for slot in TOPIC_SLOTS})
            for name, words in contents[topics_file].items()
        },
        traits={path.stem: _trait(path.stem, contents[path]) for path in trait_files},
        **neutral,
    )
    _refuse(folder, _clashes(grammar))
    return grammar


def _refuse(folder: Path, mistakes: Iterable[str]) -> None:
    """Raise `UserError` with all mistakes, if there are any."""
    if lines := list(mistakes):
        raise UserError("\n  ".join([f"{folder}: the grammar has mistakes", *lines]))


def _read(path: Path) -> Any:
    try:
        return parse_yaml(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({error})") from None


def _trait(name: str, content: dict) -> Trait:
    words = {slot: tuple(listed) for slot, listed in content["words"].items()}
    return Trait(name, words, tuple(_template(text) for text in content["sentences"]))


def _template(text: str) -> Template:
    parts = [(word, _SLOT.match(word)) for word in text.split()]
    return Template(text, tuple(("slot", match[1]) if match else word for word, match in parts))


def _topic_mistakes(content: Any) -> Iterator[str]:
    slots = ", ".join(TOPIC_SLOTS)
    if not isinstance(content, dict):
        yield f"must hold topics, each with the lists {slots}"
        return
    for name, words in content.items():
        if not isinstance(words, dict) or set(words) != set(TOPIC_SLOTS):
            yield f"{name}: needs exactly the lists {slots}"
            continue
        for slot in TOPIC_SLOTS:
            yield from (f"{name}: {mistake}" for mistake in _list_mistakes(slot, words[slot]))


def _neutral_mistakes(content: Any) -> Iterator[str]:
    if not isinstance(content, dict) or set(content) != set(KINDS):
        yield f"needs exactly the lists {', '.join(KINDS)}"
        return
    for kind in KINDS:
        yield from _sentence_mistakes(kind, content[kind], {})


def _trait_mistakes(content: Any) -> Iterator[str]:
    if not isinstance(content, dict) or set(content) != {"words", "sentences"}:
        yield "needs exactly the keys words and sentences"
        return
    words, sentences = content["words"], content["sentences"]
    if not isinstance(words, dict) or not words:
        yield "words must hold lists of words"
        return
    for slot, listed in words.items():
        if slot in TOPIC_SLOTS:
            yield f"{slot} has the name of a topic's list; give it another"
        else:
            yield from _list_mistakes(slot, listed)
    yield from _sentence_mistakes("sentences", sentences, words)
    if isinstance(sentences, list) and (n := len({str(each) for each in sentences})) < LONGEST_TEXT:
        text = f"a text may have {LONGEST_TEXT}, none of them twice"
        yield f"has {n} different {'sentence' if n == 1 else 'sentences'}; {text}"


def _list_mistakes(name: str, words: Any) -> Iterator[str]:
    """What is wrong with a list of words."""
    if not isinstance(words, list) or not words:
        yield f"{name} must be a list of words"
        return
    for word in words:
        if not isinstance(word, str):
            yield f"{name} has {word!r}, which YAML does not read as a text; put quotes around it"
        elif word.split() != [word]:
            yield f"{name} has {word!r}; a word has no blanks"
        elif word != word.lower():
            yield f"{name} has '{word}', {_CAPITAL}"


def _sentence_mistakes(name: str, sentences: Any, own: dict) -> Iterator[str]:
    """What is wrong with a list of sentences. own: the lists of its trait, if it is a trait's."""
    if not isinstance(sentences, list):
        yield f"{name} must be a list of texts"
        return
    slots = list(dict.fromkeys([*TOPIC_SLOTS, *own]))
    for text in sentences:
        if not isinstance(text, str):
            yield f"the sentence {text!r} is not read as a text by YAML; put quotes around it"
            continue
        template = _template(text)
        for slot in template.slots:
            if slot not in slots:
                yield f"'{text}' has the slot {{{slot}}}; there is {', '.join(slots)}"
        if own and not set(template.slots) & set(own):
            yield f"'{text}' has no word of the trait's own lists"
        *others, last = template.parts or [""]
        if last not in ENDS or any(part in ENDS for part in others):
            yield f"'{text}' must end in one of {' '.join(ENDS)}, and only there"
        for word in template.fixed:
            if word != word.lower():
                yield f"'{text}' has '{word}', {_CAPITAL}"


def _clashes(grammar: Grammar) -> Iterator[str]:
    """No word may be read in two ways: that is what makes the truth exact."""
    sentences: dict[str, list[str]] = {}  # fixed word -> sentences that it stands in
    for file, templates in [
        ("sentences.yaml", grammar.neutral),
        *((f"traits/{trait.name}.yaml", trait.sentences) for trait in grammar.traits.values()),
    ]:
        for template in templates:
            for word in dict.fromkeys(template.fixed):
                sentences.setdefault(word, []).append(f"{file}: '{template.source}'")
    listed: dict[str, str] = {}  # word -> the list that it is in
    for place, words in _lists(grammar):
        for word in words:
            if word in listed:
                yield f"{listed[word]}: '{word}' is also listed in {place}; {_ONCE}"
                continue
            listed[word] = place
            if word in sentences:
                first, *others = sentences[word]
                more = f" (and of {len(others)} more)" if others else ""
                what = f"is also a fixed word of a sentence in {first}{more}"
                yield f"{place}: '{word}' {what}; {_NOT_FIXED}"


def _lists(grammar: Grammar) -> Iterator[tuple[str, tuple[str, ...]]]:
    """All lists of words, each with its place."""
    for topic in grammar.topics.values():
        for slot, words in topic.words.items():
            yield f"topics.yaml ({topic.name}, {slot})", words
    for trait in grammar.traits.values():
        for slot, words in trait.words.items():
            yield f"traits/{trait.name}.yaml ({slot})", words
