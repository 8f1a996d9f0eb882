"""Rows of CSV and Parquet files: every row is an object or has a reason."""

import csv
import io
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from idempotence.audit.lines import LONGEST_LINE, BadRowError, Found

ROWS = 1000  # of a Parquet file that are held at once


def csv_rows(file: IO[bytes], delimiter: str) -> Iterator[Found]:
    """(line, object, "") or (line, None, why it is bad) of each row of a CSV text with a header.

    file: the text, UTF-8 with or without a byte-order mark. All values are texts. Raises what the
    file raises.
    """
    csv.field_size_limit(LONGEST_LINE)
    # bytes that are not UTF-8 become surrogates: such rows are bad, the others are read
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        number = rows.line_num + 1
        try:
            values = next(rows, None)
            if values is None:
                return
            if not values:
                continue
            if not header:
                header = values
                _check(header)
                continue
            yield number, _row(header, values), ""
        except csv.Error as error:
            yield number, None, f"not CSV: {error}"
        except BadRowError as error:
            yield number, None, str(error)
            if values is header:
                return


def _check(header: list[str]) -> None:
    """Raise `BadRowError` for a header that does not name each column once."""
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise BadRowError(f"nothing of the file was read: its header names {twice!r} twice")


def _row(header: list[str], values: list[str]) -> dict[str, Any]:
    if len(values) != len(header):
        raise BadRowError(f"{len(values)} values, and the header names {len(header)}")
    if any("\udc80" <= letter <= "\udcff" for value in values for letter in value):
        raise BadRowError("not UTF-8")
    return dict(zip(header, values, strict=True))


def parquet_rows(path: str) -> Iterator[Found]:
    """(number, object, "") of each row of a Parquet file. Raises OSError or ValueError.

    Checksums are compared where the file has some.
    """
    number = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row, ""
            written = file.metadata.num_rows
    except (pa.ArrowException, ArithmeticError) as error:  # a type, a date that Python lacks
        raise ValueError(str(error)) from None
    if number != written:  # a page with a changed header may be passed over
        raise ValueError(f"{number} of {written} rows are there")
