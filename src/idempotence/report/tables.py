"""CSV tables as one page: a heading, an explanation and rounded numbers for each."""

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import as_written

MISSING = "–"
SHOWN_ROWS = 2000  # of a table; a page of many more would not open
_SMALLEST_P = 0.001
_EMPHASIS = re.compile(r"\*([^*]+)\*")
_WORDS = {"True": "yes", "False": "no"}


def titled(text: str) -> tuple[str, Path]:
    """(heading, path) of a table named on the command line as HEADING=PATH.

    Raises `UserError` when either is missing.
    """
    heading, _, path = text.partition("=")
    if not heading.strip() or not path.strip():
        raise UserError(
            f"table '{text}': write it as HEADING=PATH, such as Chains=tables/chains.csv"
        )
    return heading.strip(), Path(path.strip())


def tables_page(
    tables: Sequence[tuple[str, str | Path]], title: str, captions: Path | None = None
) -> dict[str, Any]:
    """What the template `tables.html.j2` shows.

    tables: (heading, path of a CSV file), in the order of the page; captions: folder of the
    report's captions, of which <name>.rst explains <name>.csv. Raises `UserError` for a file that
    is absent, has no header or is uneven.
    """
    shown = [
        {"anchor": f"table-{place}", **_table(heading, Path(path), captions)}
        for place, (heading, path) in enumerate(tables, start=1)
    ]
    return {"title": title, "tables": shown}


def _table(heading: str, path: Path, captions: Path | None) -> dict[str, Any]:
    """A table with its explanation and its rounded rows."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file)) or [[]]
    except FileNotFoundError:
        raise UserError(f"{path}: no such table") from None
    if not header:
        raise UserError(f"{path}: the table has no header")
    uneven = [i for i, row in enumerate(rows, start=2) if len(row) != len(header)]
    if uneven:
        raise UserError(f"{path}: row {uneven[0]} has another number of values than the header")
    header, *rows = [[as_written(cell) for cell in row] for row in (header, *rows)]
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    numeric = [bool(any(column)) and all(map(_is_number, column)) for column in columns]
    return {
        "name": path.name,
        "heading": heading,
        "explanation": _explanation(path.stem, captions),
        "columns": list(zip(header, numeric, strict=True)),
        "rows": [
            [rounded(value, name) for name, value in zip(header, row, strict=True)]
            for row in rows[:SHOWN_ROWS]
        ],
        "more": max(len(rows) - SHOWN_ROWS, 0),
        "numeric": numeric,
    }


def _explanation(name: str, captions: Path | None) -> str:
    """The caption of a table as plain text; empty without one."""
    caption = captions / f"{name}.rst" if captions else None
    if caption is None or not caption.is_file():
        return ""
    return _EMPHASIS.sub(r"\1", caption.read_text(encoding="utf-8")).strip()


def _is_number(text: str) -> bool:
    """Whether a cell holds a number or nothing; "nan" is a status, not a number."""
    if not text:
        return True
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def rounded(text: str, column: str) -> str:
    """A cell as shown: whole numbers as they are, others to 2 decimals or 2 significant digits."""
    if not text:
        return MISSING
    if text in _WORDS:
        return _WORDS[text]
    if not _is_number(text) or text.lstrip("-").isdigit():
        return text
    value = float(text)
    if column == "p":
        return f"< {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.3f}"
    if value.is_integer():
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"
