"""CSV tables as one page: a heading, an explanation and rounded numbers for each."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import as_written
from idempotence.report.answers import MISSING
from idempotence.report.captions import paragraphs
from idempotence.report.pages import LARGEST, render

SHOWN_ROWS = 2000  # of a table, at most
FEWEST_ROWS = 50  # of a table, however large the page
_LONG = 40  # letters of a text from which on it is broken into lines
_CHOICES = range(2, 25)  # different values of a column that a list offers
_LISTS = 5  # that stand above a table
_SMALLEST_P = 0.001
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


def tables_html(
    tables: Sequence[tuple[str, str | Path]], title: str, captions: Path | None = None
) -> str:
    """The page of tables: each with at most `SHOWN_ROWS` rows, and fewer where it grows too large.

    Arguments and errors: see `tables_page`.
    """
    most = SHOWN_ROWS
    while True:
        html = render("tables.html.j2", **tables_page(tables, title, captions, most))
        if len(html.encode()) <= LARGEST or most <= FEWEST_ROWS:
            return html
        most = max(most // 2, FEWEST_ROWS)


def tables_page(
    tables: Sequence[tuple[str, str | Path]],
    title: str,
    captions: Path | None = None,
    most: int = SHOWN_ROWS,
) -> dict[str, Any]:
    """What the template `tables.html.j2` shows.

    tables: (heading, path of a CSV file), in the order of the page; captions: folder of the
    report's captions, of which <name>.rst explains <name>.csv; most: rows of a table that are
    shown. Raises `UserError` for a file that is absent, has no header or is uneven.
    """
    shown = [
        {"anchor": f"table-{place}", **_table(heading, Path(path), captions, most)}
        for place, (heading, path) in enumerate(tables, start=1)
    ]
    return {"title": title, "tables": shown}


def _table(heading: str, path: Path, captions: Path | None, most: int) -> dict[str, Any]:
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
    return {
        "name": path.name,
        "heading": heading,
        "about": paragraphs(captions / f"{path.stem}.rst") if captions else [],
        "columns": _columns(header, columns),
        "rows": [
            [rounded(value, name) for name, value in zip(header, row, strict=True)]
            for row in rows[:most]
        ],
        "more": max(len(rows) - most, 0),
    }


def _columns(names: list[str], columns: list[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Name and kind of each column, and whether a list offers its values."""
    described: list[dict[str, Any]] = []
    for name, values in zip(names, columns, strict=True):
        kind = ""
        if any(values) and all(map(_is_number, values)):
            kind = "number"
        elif max(map(len, values), default=0) > _LONG:
            kind = "long"
        described.append({"name": name, "kind": kind, "choice": False})
        few = len(set(values)) in _CHOICES
        if not kind and few and sum(column["choice"] for column in described) < _LISTS:
            described[-1]["choice"] = True
    return described


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
