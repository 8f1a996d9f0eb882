"""Files of a run: written whole or not at all, and with the same bytes for the same content."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml

from idempotence.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

DIGITS = 6  # significant digits of floats in CSV files
SEAL = "sha256"  # key of a digest in a file of its own
AGAIN = "delete it and start again: its job then writes it anew"
# of Parquet, so that a changed byte is seen
CHECKED: dict[str, Any] = {"write_page_checksum": True}
FOOTER_SEAL = b"sha256 of footer"  # what the digest of a Parquet file's footer stands behind
# what a spreadsheet runs, also behind apostrophes, so that taking one off again is exact
_FORMULA = re.compile(r"'*(?:[=@\t]|[+-](?!(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?\Z))")


def write_whole(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary path)` and move the result to `path` in one step.

    Raises `UserError` where that cannot be written: a full or read-only disk, say.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(f"{path} cannot be written: {reason}") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with its own line ends."""
    write_whole(path, lambda p: p.write_text(text, encoding="utf-8", newline=""))


def copy_whole(source: str | Path, path: str | Path) -> None:
    """Copy a file; raises as `write_whole`, and FileNotFoundError where there is no source."""
    write_whole(path, lambda p: shutil.copyfile(source, p))


def read_text(path: str | Path) -> str:
    """A file's UTF-8 text, without a byte order mark. Raises `UserError` where it is no such text.

    Raises FileNotFoundError where there is no file.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not whole, or no UTF-8 text: {error}") from None


def lines_of(text: str) -> list[str]:
    """The lines of a text, which end at line feeds alone: U+2028 and the like are in texts."""
    return text.removesuffix("\n").split("\n") if text else []


def write_json(path: str | Path, value: Any) -> None:
    """Write one JSON value, indented. Raises ValueError for NaN and infinity."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read one JSON value; a broken file raises `UserError` with its line."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(f"{path}, line {error.lineno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise UserError(f"{path}: JSON that is nested too deeply") from None


def write_sealed(path: str | Path, value: dict[str, Any]) -> None:
    """Write one JSON object whose last key, sha256, is the digest of the others."""
    write_json(path, {**value, SEAL: _digest(value)})


def read_sealed(path: str | Path) -> dict[str, Any]:
    """The object that `write_sealed` wrote, without its seal.

    Raises `UserError` where the file is cut short or was changed, FileNotFoundError where there is
    none.
    """
    value = read_json(path)
    if not isinstance(value, dict) or value.pop(SEAL, None) != _digest(value):
        raise UserError(f"{path} is not as it was written: {SEAL} does not fit; {AGAIN}")
    return value


def _digest(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file; FileNotFoundError where there is none."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_jsonl(path: str | Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line; the last line has their number and SHA-256."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
    text = "".join(lines)
    write_text(path, f"{text}{json.dumps(_end(len(lines), text))}\n")


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """The rows that `write_jsonl` wrote, without its last line.

    Raises `UserError` where rows are lacking or were changed, FileNotFoundError where there is no
    file.
    """
    text = read_text(path)
    *lines, last = lines_of(text) or [""]
    try:
        end = json.loads(last)
        complete = is_end(end)
    except (ValueError, RecursionError):
        complete = False
    if not complete:
        raise UserError(f"{path} is cut short: its last line does not number its rows; {AGAIN}")
    if len(lines) != end["rows"]:
        raise UserError(f"{path} has {len(lines)} rows, and {end['rows']} were written; {AGAIN}")
    if end != _end(len(lines), text.removesuffix("\n").removesuffix(last)):
        raise UserError(f"{path} is not as it was written: {SEAL} does not fit; {AGAIN}")
    return [json.loads(line) for line in lines]


def is_end(row: Any) -> bool:
    """Whether a JSON value is the last line of a file of rows, which is no row."""
    return isinstance(row, dict) and set(row) == {"rows", SEAL}


def _end(rows: int, text: str) -> dict[str, Any]:
    """The last line of a file of rows."""
    return {"rows": rows, SEAL: hashlib.sha256(text.encode()).hexdigest()}


def parse_yaml(text: str) -> Any:
    """The value of a YAML text, by libyaml where PyYAML has it: ten times as fast."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def write_parquet(frame: "pd.DataFrame", path: str | Path) -> None:
    """Write a table as Parquet without its index."""
    how = {"index": False, "engine": "pyarrow", **CHECKED}
    write_parquet_whole(path, lambda p: frame.to_parquet(p, **how))


def write_arrow(table: "pa.Table", path: str | Path, **how: Any) -> None:
    """Write an Arrow table as Parquet, with its own types even where it has no rows.

    how: see `pyarrow.parquet.write_table`.
    """
    import pyarrow.parquet as pq

    write_parquet_whole(path, lambda p: pq.write_table(table, p, **CHECKED, **how))


def write_parquet_whole(path: str | Path, write: Callable[[Path], object]) -> None:
    """As `write_whole`, for a file of Parquet that `write` writes with the options `CHECKED`.

    Parquet has checksums for pages alone. So the digest of the footer, behind `FOOTER_SEAL`, is put
    between pages and footer, where readers look for nothing: they start from the file's end.
    """

    def sealed(temporary: Path) -> None:
        write(temporary)
        with open(temporary, "r+b") as file:
            footer = _footer(file)
            file.seek(-len(footer), os.SEEK_END)
            file.write(FOOTER_SEAL + hashlib.sha256(footer).digest() + footer)

    write_whole(path, sealed)


def _footer(file: IO[bytes], before: int = 0) -> bytes:
    """A Parquet file's footer with its length and mark, and so many bytes before it."""
    length = int.from_bytes(_tail(file, 8)[:4], "little")
    return _tail(file, before + length + 8)


def _tail(file: IO[bytes], length: int) -> bytes:
    """The last bytes of a file, or all."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - length))
    return file.read()


def _check_footer(path: str | Path) -> None:
    """Raise ValueError where a footer is not as it was sealed. Files of others have no seal."""
    size = len(FOOTER_SEAL) + hashlib.sha256().digest_size
    with open(path, "rb") as file:
        end = _footer(file, size)
    seal, footer = end[:size], end[size:]
    if seal.startswith(FOOTER_SEAL) and seal != FOOTER_SEAL + hashlib.sha256(footer).digest():
        raise ValueError("its footer was changed")


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
    write_whole(
        path, lambda p: safe.to_csv(p, index=False, float_format=style, lineterminator="\n")
    )


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


def read_table(path: str | Path, **how: Any) -> "pd.DataFrame":
    """Read a Parquet file; see `read_arrow`."""
    import pandas as pd

    with _parquet(path):
        frame = pd.read_parquet(path, page_checksum_verification=True, **how)
        _check_rows(path, len(frame), how)
    return frame


def read_arrow(path: str | Path, **how: Any) -> "pa.Table":
    """Read a Parquet file and check its pages. how: columns, filters; see `pyarrow`.

    Raises `UserError` when the file is absent, is no Parquet file or has changed.
    """
    import pyarrow.parquet as pq

    with _parquet(path):
        table = pq.read_table(path, page_checksum_verification=True, **how)
        _check_rows(path, table.num_rows, how)
    return table


def _check_rows(path: str | Path, rows: int, how: dict[str, Any]) -> None:
    """Raise ValueError where a file had more rows when it was written.

    A page's checksum leaves out its header, and a page with a changed header may be passed over.
    """
    import pyarrow.parquet as pq

    written = pq.read_metadata(path).num_rows
    if how.get("filters") is None and rows != written:
        raise ValueError(f"it has {rows} rows, and {written} were written")


def columns_of(path: str | Path) -> list[str]:
    """The columns of a Parquet file; raises as `read_arrow`."""
    import pyarrow.parquet as pq

    with _parquet(path):
        names: list[str] = pq.read_schema(path).names
    return names


@contextmanager
def _parquet(path: str | Path) -> Iterator[None]:
    """What reading a broken Parquet file raises, which may be anything, as one message."""
    try:
        _check_footer(path)
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; the rule of that table writes it") from None
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: not a whole Parquet file ({reason}); {AGAIN}") from None
