"""Rows of JSON text, however it was written: every row is an object or has a reason."""

import io
import json
import math
import reprlib
from collections.abc import Iterator
from typing import IO, Any

from idempotence.io import is_end

LONGEST_LINE = 10_000_000  # bytes
LARGEST_ARRAY = 200_000_000  # bytes: an array is read as a whole
Object = dict[str, Any]  # of JSON
Found = tuple[int, Object | None, str]  # number from 1, object or None, why it is bad
_UTF8_MARK = b"\xef\xbb\xbf"
_LATIN = "latin-1"  # a letter for each byte


class BadRowError(Exception):
    """A row that cannot be used; its message is the reason."""


def json_rows(file: IO[bytes], head: bytes) -> Iterator[Found]:
    """(number, object, "") or (number, None, why it is bad) of each row of a JSON text.

    file: the text, UTF-8 with or without a byte-order mark. head: how it begins. A text that
    begins with [ and is one array has a row for each item; any other has one for each line that is
    not blank. Lines end at line feeds alone, or at carriage returns where the head has no line
    feed. Raises what the file raises.
    """
    start = head.removeprefix(_UTF8_MARK).lstrip()
    first = start.partition(b"\n")[0].strip()
    if first == b"{":
        yield 1, None, "a JSON object over several lines: put each row on a line of its own"
        return
    if start.startswith(b"[") and not _is_json(first):
        yield from _items(file)
        return
    if start.startswith(b"[") and b"\n" not in start.rstrip():
        yield from _items(file)
        return
    end = "\r" if b"\r" in head and b"\n" not in head else "\n"
    yield from _lines(io.TextIOWrapper(file, encoding=_LATIN, newline=end), end)


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _items(file: IO[bytes]) -> Iterator[Found]:
    """The items of one array."""
    text = file.read(LARGEST_ARRAY + 1)
    try:
        if len(text) > LARGEST_ARRAY:
            raise BadRowError(f"a JSON array of over {LARGEST_ARRAY:,} bytes: write lines instead")
        items = _parsed(text.removeprefix(_UTF8_MARK))
        if not isinstance(items, list):
            raise BadRowError(f"{kind_of_value(items)}, not an array [...] of objects")
    except BadRowError as error:
        yield 1, None, f"nothing of the file can be read: {error}"
        return
    for number, item in enumerate(items, start=1):
        try:
            yield number, _object(item), ""
        except BadRowError as error:
            yield number, None, str(error)


def _lines(file: io.TextIOWrapper, end: str) -> Iterator[Found]:
    number = 0
    while True:
        number += 1
        line, whole = _next(file, end)
        if not line:
            return
        content = line.rstrip("\r\n").encode(_LATIN)
        if number == 1:
            content = content.removeprefix(_UTF8_MARK)
        if not content.strip():
            continue
        try:
            if not whole:
                raise BadRowError(f"longer than {LONGEST_LINE:,} bytes")
            row = _parsed(content)
            if is_end(row):
                continue  # a file of this project's own
            yield number, _object(row), ""
        except BadRowError as error:
            yield number, None, str(error)


def _next(file: io.TextIOWrapper, end: str) -> tuple[str, bool]:
    """(the next line with its end, whether it is whole): of a longer line only a piece is kept."""
    line = file.readline(LONGEST_LINE)
    rest = line
    while rest and not rest.endswith(end) and len(rest) == LONGEST_LINE:
        rest = file.readline(LONGEST_LINE)
    return line, rest is line


def _parsed(text: bytes) -> Any:
    """The value of a JSON text. Raises `BadRowError`, for a key that stands twice, too."""
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_each_key_once)
    except UnicodeDecodeError as error:
        raise BadRowError(
            f"not UTF-8: byte 0x{text[error.start]:02x} at place {error.start + 1}"
        ) from None
    except json.JSONDecodeError as error:
        raise BadRowError(
            f"not JSON: {error.msg.removesuffix(' at')} at place {error.pos + 1}"
        ) from None
    except RecursionError:
        raise BadRowError("not JSON that can be read: nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise BadRowError(f"not JSON that can be read: {error}") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> Object:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadRowError(f"the key {reprlib.repr(twice)} stands twice in one object")
    return content


def _object(value: Any) -> Object:
    if not isinstance(value, dict):
        raise BadRowError(f"{kind_of_value(value)}, not an object {{...}}")
    return value


def kind_of_value(value: object) -> str:
    """A JSON value in words: "a list", "a number (3)"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"a number ({value:g})" if is_finite(value) else "a number without a finite value"
    if isinstance(value, str):
        return f"a text ({reprlib.repr(value)})"
    return "a list" if isinstance(value, list) else "an object"


def is_finite(value: float) -> bool:
    """Whether a number is one that a float can hold."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
