"""Lines of a JSON-lines file, however it was written: every line is an object or has a reason."""

import gzip
import json
import math
import reprlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

LONGEST_LINE = 10_000_000  # bytes
Object = dict[str, Any]  # of JSON
_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class _File(Protocol):
    def readline(self, size: int, /) -> bytes: ...


class BadRowError(Exception):
    """A row that cannot be used; its message is the reason."""


def read_lines(path: Path) -> Iterator[tuple[int, Object | None, str]]:
    """(number from 1, object, "") or (number, None, why it is bad) of each line that is not blank.

    Files may be UTF-8 with or without a byte-order mark, with any line ends, plain or gzip (known
    by its first bytes, not by the name). A file that breaks in the middle gives a last bad row:
    nothing after it could be read.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else open(path, "rb") as file:
            yield from _lines(file)
    except OSError as error:
        yield 1, None, f"the file cannot be read ({error.strerror or error})"


def _lines(file: _File) -> Iterator[tuple[int, Object | None, str]]:
    number = 0
    while True:
        number += 1
        try:
            line, whole = _next(file)
        except (EOFError, OSError, zlib.error) as error:
            yield number, None, f"the file breaks off or is damaged from here on ({error})"
            return
        if not line:
            return
        if number == 1 and line.startswith(_UTF16_MARKS):
            yield number, None, "the file is UTF-16; nothing of it was read, save it as UTF-8"
            return
        if number == 1:
            line = line.removeprefix(_UTF8_MARK)
        if not line.strip():
            continue
        try:
            if not whole:
                raise BadRowError(f"longer than {LONGEST_LINE:,} bytes")
            yield number, _object(line), ""
        except BadRowError as error:
            yield number, None, str(error)


def _next(file: _File) -> tuple[bytes, bool]:
    """(the next line with its end, whether it is whole): of a longer line only a piece is kept."""
    line = file.readline(LONGEST_LINE)
    rest = line
    while rest and not rest.endswith(b"\n") and len(rest) == LONGEST_LINE:
        rest = file.readline(LONGEST_LINE)
    return line, rest is line


def _object(line: bytes) -> Object:
    try:
        value = json.loads(line.rstrip(b"\r\n").decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRowError(
            f"not UTF-8: byte 0x{line[error.start]:02x} at place {error.start + 1}"
        ) from None
    except json.JSONDecodeError as error:
        raise BadRowError(
            f"not JSON: {error.msg.removesuffix(' at')} at place {error.pos + 1}"
        ) from None
    except RecursionError:
        raise BadRowError("not JSON that can be read: nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise BadRowError(f"not JSON that can be read: {error}") from None
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
