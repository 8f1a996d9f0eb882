"""Frozen dataclasses to and from JSON, strictly: a key too many or too few is an error.

Standard library only, since every job reads its record before it does anything else.
"""

import json
import types
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any, Literal, Self, Union, cast, get_args, get_origin, get_type_hints

from idempotence.errors import UserError


class Record:
    """A frozen dataclass that can be written as JSON and read back.

    Fields may be of type str, int, float, bool, a union of these, another record, `X | None`,
    `Literal[...]`, `tuple[X, ...]` and `dict[str, X]`.
    """

    def to_json(self) -> str:
        """Compact JSON with sorted keys: equal records give equal texts.

        Raises ValueError for NaN and infinity.
        """
        content = asdict(cast(Any, self))
        return json.dumps(
            content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The record of a JSON text.

        Raises `UserError` naming the key that is unknown, missing or of another type.
        """
        try:
            content = json.loads(text, parse_constant=_refuse)
        except ValueError as error:
            raise UserError(f"{cls.__name__}: not JSON ({error})") from None
        return cast(Self, _record(cls, content, cls.__name__))


def _refuse(constant: str) -> None:
    """JSON has no NaN and no infinity, though Python reads them."""
    raise ValueError(f"{constant} is no number")


def _record(kind: type[Any], content: Any, place: str) -> Any:
    """An instance of the record class `kind`; place: dotted key, for messages."""
    if not isinstance(content, dict):
        raise UserError(f"{place}: {content!r} is no section")
    names = [field.name for field in fields(kind)]
    for key in content:
        if key not in names:
            raise UserError(f"{place}: there is no key {key!r}; there are {', '.join(names)}")
    values, hints = {}, get_type_hints(kind)
    for field in fields(kind):
        if field.name in content:
            values[field.name] = _value(
                hints[field.name], content[field.name], f"{place}.{field.name}"
            )
        elif field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{place}: the key {field.name!r} is missing")
    return kind(**values)


def _value(hint: Any, content: Any, place: str) -> Any:
    """`content` as a value of the annotated type `hint`."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if content is None and type(None) in inner:
            return None
        kinds = [kind for kind in inner if kind is not type(None)]
        if len(kinds) > 1 and type(content) not in kinds:
            raise UserError(
                f"{place}: {content!r} is not of {', '.join(k.__name__ for k in kinds)}"
            )
        return content if len(kinds) > 1 else _value(kinds[0], content, place)
    if origin is Literal:
        if content in inner:
            return content
        raise UserError(f"{place}: {content!r} is not one of {', '.join(map(str, inner))}")
    if origin is tuple and isinstance(content, list):
        return tuple(_value(inner[0], item, f"{place}.{i}") for i, item in enumerate(content))
    if origin is dict and isinstance(content, dict):
        return {key: _value(inner[1], item, f"{place}.{key}") for key, item in content.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, content, place)
    if hint is float and isinstance(content, int) and not isinstance(content, bool):
        return float(content)
    if not isinstance(hint, type) or type(content) is not hint:
        name = {"tuple": "list", "dict": "section"}.get(hint.__name__, hint.__name__)
        raise UserError(f"{place}: {content!r} is no {name}")
    return content
