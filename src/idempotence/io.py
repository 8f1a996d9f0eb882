"""Files of a run: written whole or not at all, and with the same bytes for the same content."""

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from idempotence.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DIGITS = 6  # significant digits of floats in CSV files
# what a spreadsheet runs, also behind apostrophes, so that taking one off again is exact
_FORMULA = re.compile(r"'*(?:[=@\t]|[+-](?!(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?\Z))")


def _replace(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary path)` and move the result to `path` in one step."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with its own line ends."""
    _replace(path, lambda p: p.write_text(text, encoding="utf-8", newline=""))


def write_json(path: str | Path, value: Any) -> None:
    """Write one JSON value, indented. Raises ValueError for NaN and infinity."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read one JSON value; a broken file raises `UserError` with its line."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None


def write_jsonl(path: str | Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows)
    write_text(path, "".join(lines))


def parse_yaml(text: str) -> Any:
    """The value of a YAML text, by libyaml where PyYAML has it: ten times as fast."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read one JSON object per line; a broken line raises `UserError` with file and line."""
    rows = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise UserError(f"{path}, line {number}: not JSON ({error.msg})") from None
    return rows


def write_parquet(frame: "pd.DataFrame", path: str | Path) -> None:
    """Write a table as Parquet without its index."""
    _replace(path, lambda p: frame.to_parquet(p, index=False, engine="pyarrow"))


def write_arrow(table: "pa.Table", path: str | Path) -> None:
    """Write an Arrow table as Parquet, with its own types even where it has no rows."""
    import pyarrow.parquet as pq

    _replace(path, lambda p: pq.write_table(table, p))


def write_csv(frame: "pd.DataFrame", path: str | Path) -> None:
    """Write a table as CSV without its index, floats to `DIGITS` significant digits.

    Texts that a spreadsheet would run are made harmless: see `inert`. A carriage return is written
    as a line feed, since it would end a row.
    """
    style = f"%.{DIGITS}g"
    safe = frame.copy(deep=False)
    for name in frame.select_dtypes(["object", "string", "category"]).columns:
        safe[name] = frame[name].astype(object).map(_cell)
    safe.columns = safe.columns.map(_cell)
    _replace(path, lambda p: safe.to_csv(p, index=False, float_format=style, lineterminator="\n"))


def _cell(value: Any) -> Any:
    text = isinstance(value, str)
    return inert(value.replace("\r\n", "\n").replace("\r", "\n")) if text else value


def inert(value: Any) -> Any:
    """A cell behind an apostrophe where a spreadsheet would take it for a formula, else itself."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def as_written(cell: str) -> str:
    """A cell of a CSV file without the apostrophe of `inert`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def rounded(frame: "pd.DataFrame", digits: int = DIGITS) -> "pd.DataFrame":
    """The table with its floats rounded to so many significant digits."""
    floats = frame.select_dtypes("float64")
    return frame.assign(**floats.map(lambda value: float(f"{value:.{digits}g}")))


def parquet_beside(path: str | Path) -> Path:
    """Where the Parquet of a table lies whose CSV is at `path`."""
    return Path(path).with_suffix(".parquet")


def write_table(frame: "pd.DataFrame", path: str | Path, exact: bool = True) -> None:
    """Write a table twice: as CSV at `path` for people, as Parquet beside it for other code.

    The Parquet, at `parquet_beside(path)`, keeps each column's type and, if exact, every digit of
    its floats; otherwise those that the CSV shows.
    """
    write_parquet(frame if exact else rounded(frame), parquet_beside(path))
    write_csv(frame, path)


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read a Parquet file that `write_table` wrote.

    Raises `UserError` when the file is absent or is no Parquet file.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the rule of that table writes it") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: not a Parquet file ({error})") from None
