"""CSV files of published numbers, checked row by row."""

import csv
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from idempotence.errors import UserError


class PublishedRow(BaseModel):
    """A row of a file; an empty field is None."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Row = TypeVar("Row", bound=PublishedRow)


def read_rows(path: Path, kind: type[Row]) -> list[tuple[str, Row]]:
    """(place, row) of each row of a CSV file; place is "<file>, line <number>", for messages.

    Raises `UserError` for a file that cannot be read, that has other columns than `kind` has
    fields, or no row; and with line and column of every value that does not fit.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            lines = [(f"{path}, line {reader.line_num}", values) for values in reader]
            header = list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    _check_columns(path, header, list(kind.model_fields))
    if not lines:
        raise UserError(f"{path}: the file has no row")
    rows, mistakes = [], []
    for place, values in lines:
        if None in values or None in values.values():
            mistakes.append(f"{place}: another number of values than the header")
            continue
        try:
            row = kind.model_validate({name: value or None for name, value in values.items()})
        except ValidationError as error:
            mistakes += [
                f"{place}, column {'.'.join(map(str, each['loc'])) or 'any'}: {each['msg']}"
                for each in error.errors(include_url=False)
            ]
        else:
            rows.append((place, row))
    if mistakes:
        raise UserError("\n".join(mistakes))
    return rows


def _check_columns(path: Path, header: list[str], wanted: list[str]) -> None:
    """Raise `UserError` unless the header has exactly the wanted columns, in any order."""
    for columns, what in (
        (sorted(set(wanted) - set(header)), "lacks the column"),
        (sorted(set(header) - set(wanted)), "has the unknown column"),
        (sorted({name for name in header if header.count(name) > 1}), "has more than once"),
    ):
        if columns:
            raise UserError(f"{path}, line 1: the header {what} {', '.join(columns)}")
