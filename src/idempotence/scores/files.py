"""Scores files: reading, checking, and putting many into one."""

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from idempotence.errors import UserError
from idempotence.io import CHECKED, columns_of, read_arrow, write_parquet_whole
from idempotence.scores.schema import (
    CHAIN,
    COLUMNS,
    PANEL_CYCLE,
    WITHIN_PANEL_CYCLE,
    arrow_schema,
)

ROWS_HELD = 50_000  # rows kept in memory while files are put together


def read_scores(
    path: str | Path, columns: Sequence[str] = COLUMNS, chains: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Some columns of a scores file, all rows or those of some chains.

    chains: a row for each, with the columns `CHAIN`. Raises `UserError` when the file is absent,
    is no Parquet file, or lacks a column.
    """
    _check_columns(path, columns)
    chosen = None
    if chains is not None:
        rows = chains[CHAIN].to_dict("records")
        of_chain = (reduce(and_, (pc.field(k) == v for k, v in row.items())) for row in rows)
        chosen = reduce(or_, of_chain, pc.scalar(False))
    scores: pd.DataFrame = read_arrow(path, columns=list(columns), filters=chosen).to_pandas()
    return scores


def read_all_scores(paths: Sequence[str | Path], columns: Sequence[str]) -> pd.DataFrame:
    """Some columns of several scores files, one after the other. Raises as `read_scores`."""
    return pd.concat([read_scores(path, columns) for path in paths], ignore_index=True)


def gather_scores(paths: Sequence[str | Path], output: str | Path) -> int:
    """Put the scores of many panels and cycles into one file; returns the number of rows.

    Rows are ordered by `ORDER` whatever the order of `paths`. Each file holds one panel at one
    cycle, so that files are ordered first and then written one after the other: memory holds
    about `ROWS_HELD` rows, not the study. Raises `UserError` for a file that lacks a column,
    has no rows, mixes panels or cycles, repeats another file's panel and cycle, or repeats a
    response.
    """
    keyed: dict[tuple[Any, ...], Path] = {}
    for path in map(Path, paths):
        key = _file_key(path)
        if key in keyed:
            content = ", ".join(f"{n} {v}" for n, v in zip(PANEL_CYCLE, key, strict=True))
            raise UserError(f"{keyed[key]} and {path} both hold {content}; name each file once")
        keyed[key] = path
    if not keyed:
        raise UserError("no scores files were named; give at least one scores.parquet")
    return _write_in_order([keyed[key] for key in sorted(keyed)], Path(output))


def _check_columns(path: str | Path, needed: Sequence[str]) -> None:
    present = columns_of(path)
    lacking = [name for name in needed if name not in present]
    if lacking:
        raise UserError(f"{path}: lacks the column(s) {', '.join(lacking)} of a scores file")


def _file_key(path: Path) -> tuple[Any, ...]:
    """(setting, model, trait, seed, cycle) of a file of one panel and one cycle."""
    _check_columns(path, COLUMNS)
    keys = read_arrow(path, columns=PANEL_CYCLE).to_pandas().drop_duplicates()
    if len(keys) != 1:
        what = "has no rows" if keys.empty else f"mixes {len(keys)} panels or cycles"
        raise UserError(f"{path}: {what}; a scores file holds one panel at one cycle")
    return tuple(keys.iloc[0])


def _ordered(path: Path) -> pa.Table:
    """A file's rows with the columns, types and order of the study's file."""
    try:
        table = read_arrow(path).select(COLUMNS).cast(arrow_schema())
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: a column has another type than expected ({error})") from None
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in WITHIN_PANEL_CYCLE])
    table = table.take(order)
    keys = table.select(WITHIN_PANEL_CYCLE).to_pandas()
    repeated = keys[keys.duplicated()]
    if len(repeated):
        row = ", ".join(f"{name} {repeated.iloc[0][name]}" for name in WITHIN_PANEL_CYCLE)
        raise UserError(f"{path}: holds {row} more than once")
    return table.replace_schema_metadata(None)


def _write_in_order(paths: Sequence[Path], output: Path) -> int:
    n_rows = 0

    def write(temporary: Path) -> None:
        nonlocal n_rows
        held: list[pa.Table] = []
        n_held = 0
        with pq.ParquetWriter(temporary, arrow_schema(), **CHECKED) as writer:
            for path in paths:
                held.append(_ordered(path))
                n_held += held[-1].num_rows
                n_rows += held[-1].num_rows
                if n_held >= ROWS_HELD:
                    writer.write_table(pa.concat_tables(held), row_group_size=n_held)
                    held, n_held = [], 0
            if held:
                writer.write_table(pa.concat_tables(held), row_group_size=n_held)

    write_parquet_whole(output, write)
    return n_rows
