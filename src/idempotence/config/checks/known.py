"""A raw config as far as it is right, for checks of what holds between keys."""

import difflib
from collections.abc import Iterator
from typing import Any

from idempotence.config.reference import schema_at
from idempotence.config.values import as_number

Key = tuple[str | int, ...]
Mistakes = Iterator[tuple[Key, str]]


class Unclear(Exception):
    """A key is missing or wrong in itself."""


class Known:
    """The keys of a raw config that are valid in themselves.

    broken: the keys that are missing or wrong.
    """

    def __init__(self, raw: dict, broken: list[Key]):
        self.raw = raw
        self.broken = broken

    def __call__(self, *key: str | int) -> Any:
        """The value of a key; raises Unclear where it, or a part of it, is wrong."""
        for wrong in self.broken:
            shared = min(len(wrong), len(key))
            if wrong[:shared] == key[:shared]:
                raise Unclear(key)
        value, schema = self._walk(key), schema_at(key)
        kinds = {branch.get("type") for branch in schema.get("anyOf", [schema])}
        return as_number(value) if kinds & {"integer", "number"} else value

    def own_or_common(self, own: Key, common: Key) -> tuple[Key, Any]:
        """(key, value) of a section's own key where it is given, else of the study's."""
        value = self(*own)
        return (common, self(*common)) if value is None else (own, value)

    def size(self, *key: str | int) -> int:
        """How many items a list has, valid or not."""
        if any(wrong == key[: len(wrong)] for wrong in self.broken):
            raise Unclear(key)
        return len(self._walk(key))

    def each(self, *key: str | int, field: str | None = None) -> Iterator[tuple[Key, Any]]:
        """(key, value) of the valid items of a list, or of one field of each."""
        for i in range(self.size(*key)):
            item = (*key, i) if field is None else (*key, i, field)
            try:
                yield item, self(*item)
            except Unclear:
                continue

    def _walk(self, key: Key) -> Any:
        value: Any = self.raw
        for part in key:
            if isinstance(value, dict) and part not in value:
                return schema_at(key).get("default")
            value = value[part]
        return value


def as_far_as_clear(mistakes: Mistakes) -> Mistakes:
    """The mistakes of a check, up to a key that is wrong in itself."""
    try:
        yield from mistakes
    except Unclear:
        return


def nearest(name: str, names: list[str]) -> str:
    """ "; did you mean X?" where X is near enough, else ""."""
    small = {other.lower(): other for other in names}
    close = difflib.get_close_matches(name.lower(), list(small), n=1, cutoff=0.6)
    return f"; did you mean {small[close[0]]}?" if close else "."
