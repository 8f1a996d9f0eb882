"""A raw config as far as it is right, for checks of what holds between keys."""

import difflib
from collections.abc import Iterator
from typing import Any

from idempotence.config.reference import schema_at
from idempotence.config.values import as_number
from idempotence.objectives import OBJECTIVES, Objective

Key = tuple[str | int, ...]
Mistakes = Iterator[tuple[Key, str]]


class Unclear(Exception):
    """A key is missing or wrong in itself."""


class Known:
    """The keys of a raw config that are valid in themselves.

    broken: the keys that are missing or wrong.
    """

    def __init__(self, raw: dict[str, Any], broken: list[Key]):
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

    def is_clear(self, *key: str | int) -> bool:
        """Whether a key has a value that is right in itself."""
        try:
            self(*key)
        except Unclear:
            return False
        return True

    def first(self, *keys: Key) -> tuple[Key, Any]:
        """(key, value) of the first of several keys that is given; the last one needs no value."""
        for key in keys[:-1]:
            if (value := self(*key)) is not None:
                return key, value
        return keys[-1], self(*keys[-1])

    def objective(self, name: str) -> Objective:
        """What a setting trains on."""
        return OBJECTIVES[self("settings", name, "objective")]

    def of_setting(self, name: str, *key: str) -> tuple[Key, Any]:
        """(key, value) of a key of a setting's recipe if given there, else of its objective's."""
        return self.first(("settings", name, *key), (self.objective(name).section, *key))

    def last_cycle(self, name: str) -> int:
        """The last cycle of a setting."""
        return int(self.first(("settings", name, "cycles"), ("cycles",))[1])

    def traits_of(self, name: str) -> set[str]:
        """The traits of a setting."""
        own = {trait for _, trait in self.each("settings", name, "traits")}
        return own or {trait for _, trait in self.each("traits")}

    def names(self, *key: str) -> list[str]:
        """The names in a mapping of names to sections, those that are right in themselves."""
        section = self._walk(key)
        if any(wrong == key[: len(wrong)] for wrong in self.broken):
            raise Unclear(key)
        return [n for n in section if isinstance(n, str) and (*key, n) not in self.broken]

    def size(self, *key: str | int) -> int:
        """How many items a list has, valid or not; raises Unclear for what is no list."""
        broken = any(wrong == key[: len(wrong)] for wrong in self.broken)
        if broken or not isinstance(items := self._walk(key), list):
            raise Unclear(key)
        return len(items)

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
            if value is None or isinstance(value, dict) and part not in value:
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
