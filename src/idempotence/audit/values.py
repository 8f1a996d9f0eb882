"""Values of a foreign row: looked up by their keys, and read as numbers."""

import math
import re
from collections.abc import Mapping
from typing import Any

from idempotence.audit.lines import BadRowError, is_finite, kind_of_value

NOTHING = object()  # where a row has no such key
Row = Mapping[str, Any]
# of a number: in a CSV file an empty value
_UNKNOWN = ("", "nan")
_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def lookup(row: Row, key: str) -> Any:
    """The value of a key, or of `a.b` the value of b in a; `NOTHING` where there is none."""
    if key in row:
        return row[key]
    value: Any = row
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return NOTHING
        value = value[part]
    return value


def is_unknown(value: Any) -> bool:
    """Whether there is no number: no key, null, NaN, or an empty text."""
    if isinstance(value, str):
        return value.strip().lower() in _UNKNOWN
    return value is None or value is NOTHING or isinstance(value, float) and math.isnan(value)


def number(value: Any, name: str) -> float:
    """A number, or one written as text. Raises `BadRowError` for anything else."""
    if isinstance(value, str) and _NUMERAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise BadRowError(f"its {name} is {kind_of_value(value)}, not a number")
    return value
