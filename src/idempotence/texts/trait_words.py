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
    good = isinstance(content, dict) and all(
        isinstance(words, list) and all(isinstance(word, str) for word in words)
        for words in content.values()
    )
    if not good:
        raise UserError(f"{path}: it must have a list of words for each trait")
    return content


def word_share(text: str, beginnings: Sequence[str]) -> float:
    """Share of a text's words that begin with one of these, in any case; 0 for an empty text."""
    words = [word.lower() for word in _WORD.findall(text)]
    return sum(word.startswith(tuple(beginnings)) for word in words) / max(len(words), 1)
