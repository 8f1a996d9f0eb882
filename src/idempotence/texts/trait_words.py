"""The words of each trait: a yardstick of texts that needs no judge."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from idempotence.errors import UserError
from idempotence.io import parse_yaml, read_text

_WORD = re.compile(r"[\w'’]+")


def read_words(path: Path) -> Mapping[str, Sequence[str]]:
    """Trait -> beginnings of its words; raises `UserError` for a file of another form."""
    content = parse_yaml(read_text(path))
    if not isinstance(content, dict):
        raise UserError(f"{path}: it must have a list of words for each trait")
    for trait, words in content.items():
        if not isinstance(words, list):
            raise UserError(f"{path}, {trait}: {words!r} is not a list of words")
        odd = [word for word in words if not isinstance(word, str)]
        if odd:
            hint = "; YAML takes no, yes, on and off for true or false without quotes"
            raise UserError(f"{path}, {trait}: {odd[0]!r} is not a word: put it in quotes{hint}")
    return content


def word_share(text: str, beginnings: Sequence[str]) -> float:
    """Share of a text's words that begin with one of these, in any case; 0 for an empty text."""
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word.startswith(tuple(beginnings)) for word in words) / max(len(words), 1)
