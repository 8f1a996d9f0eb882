"""The study's scores as the analysis reads them: their columns, checked, and put together."""

import os
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from idempotence.errors import UserError

CHAIN = ["setting", "model", "trait", "seed", "cell"]
DOSES = ["level", "n_seed", "n_sampled", "beta", "pairs"]
# What each response brings, in the order of the file; the types are those that are written.
TYPES = {
    **dict.fromkeys(["setting", "objective", "start", "model", "trait"], pa.string()),
    "seed": pa.int64(),
    "cell": pa.string(),
    **dict.fromkeys(DOSES, pa.float64()),
    **dict.fromkeys(["cycle", "question", "sample"], pa.int64()),
    **dict.fromkeys(["prompt", "response", "status", "reason"], pa.string()),
    **dict.fromkeys(["trait_score", "coherence"], pa.float64()),
    **dict.fromkeys(["trait_missing", "coherence_missing"], pa.string()),
    **dict.fromkeys(["trait_mass", "coherence_mass"], pa.float64()),
    **dict.fromkeys(["trait_top", "coherence_top"], pa.string()),
    **dict.fromkeys(["truth_trait", "truth_coherence"], pa.float64()),
    "words": pa.int64(),
    **dict.fromkeys(["words_per_sentence", "distinct_2"], pa.float64()),
    "opening": pa.string(),
    **dict.fromkeys(["opening_share", "loglik_initial"], pa.float64()),
}
SCHEMA = pa.schema(TYPES.items())
COLUMNS = list(TYPES)
_FILE_KEY = ["setting", "model", "trait", "seed", "cycle"]
_WITHIN_FILE = ["cell", "question", "sample"]
ORDER = [*_FILE_KEY, *_WITHIN_FILE]
DEAD = ["nan", "ended"]  # status of the rows of a chain with no model left to answer
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
        each = (reduce(and_, (pc.field(k) == v for k, v in row.items())) for row in rows)
        chosen = reduce(or_, each, pc.scalar(False))
    return pq.read_table(path, columns=list(columns), filters=chosen).to_pandas()


def gather_scores(paths: Sequence[str | Path], output: str | Path) -> int:
    """Put the scores of many panels and cycles into one file; returns the number of rows.

    Rows are ordered by `ORDER` whatever the order of `paths`. Each file holds one panel at one
    cycle, so that files are ordered first and then written one after the other: memory holds
    about `ROWS_HELD` rows, not the study. Raises `UserError` for a file that lacks a column,
    has no rows, mixes panels or cycles, repeats another file's panel and cycle, or repeats a
    response.
    """
    keyed: dict[tuple, Path] = {}
    for path in map(Path, paths):
        key = _file_key(path)
        if key in keyed:
            told = ", ".join(f"{n} {v}" for n, v in zip(_FILE_KEY, key, strict=True))
            raise UserError(f"{keyed[key]} and {path} both hold {told}; name each file once")
        keyed[key] = path
    if not keyed:
        raise UserError("no scores files were named; give at least one scores.parquet")
    return _write_in_order([keyed[key] for key in sorted(keyed)], Path(output))


def _check_columns(path: str | Path, needed: Sequence[str]) -> None:
    try:
        present = pq.read_schema(path).names
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; it is written by the rule that scores") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: not a Parquet file ({error})") from None
    lacking = [name for name in needed if name not in present]
    if lacking:
        raise UserError(f"{path}: lacks the column(s) {', '.join(lacking)} of a scores file")


def _file_key(path: Path) -> tuple:
    """(setting, model, trait, seed, cycle) of a file of one panel and one cycle."""
    _check_columns(path, COLUMNS)
    keys = pq.read_table(path, columns=_FILE_KEY).to_pandas().drop_duplicates()
    if len(keys) != 1:
        what = "has no rows" if keys.empty else f"mixes {len(keys)} panels or cycles"
        raise UserError(f"{path}: {what}; a scores file holds one panel at one cycle")
    return tuple(keys.iloc[0])


def _ordered(path: Path) -> pa.Table:
    """A file's rows with the columns, types and order of the study's file."""
    try:
        table = pq.read_table(path).select(COLUMNS).cast(SCHEMA)
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: a column has another type than expected ({error})") from None
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in _WITHIN_FILE])
    table = table.take(order)
    twice = table.select(_WITHIN_FILE).to_pandas().duplicated()
    if twice.any():
        row = table.select(_WITHIN_FILE).to_pandas()[twice].iloc[0]
        told = ", ".join(f"{name} {row[name]}" for name in _WITHIN_FILE)
        raise UserError(f"{path}: holds {told} more than once")
    return table.replace_schema_metadata(None)


def _write_in_order(paths: Sequence[Path], output: Path) -> int:
    output.parent.mkdir(parents=True, exist_ok=True)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    held: list[pa.Table] = []
    n_held = n_rows = 0
    try:
        with pq.ParquetWriter(temporary, SCHEMA) as writer:
            for path in paths:
                held.append(_ordered(path))
                n_held += held[-1].num_rows
                n_rows += held[-1].num_rows
                if n_held >= ROWS_HELD:
                    writer.write_table(pa.concat_tables(held), row_group_size=n_held)
                    held, n_held = [], 0
            if held:
                writer.write_table(pa.concat_tables(held), row_group_size=n_held)
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)
    return n_rows
