"""A finished study's scores in a few megabytes, to make its tables and figures again from."""

# The Snakefile imports this module for its names: pandas and pyarrow are left to the functions.
from pathlib import Path
from typing import TYPE_CHECKING

from idempotence.errors import UserError
from idempotence.io import (
    copy_whole,
    read_arrow,
    read_table,
    rounded,
    write_arrow,
    write_parquet,
    write_table,
)
from idempotence.scores.schema import LATER, arrow_schema

if TYPE_CHECKING:
    import pyarrow as pa

FILES = ["scores.parquet", "initial.parquet", "training.parquet"]
EXPECTED = "expected.csv"  # what a new run is compared with: `scores.expected`
DIFFERS = "not as shipped"  # how the verdict of a comparison begins that failed
# the judge's top tokens are most of a scores file, and no table or figure needs them
LEFT_OUT = ["trait_top", "coherence_top"]
DECIMALS = 3  # of scores; verdicts on thresholds of whole points do not hang on more


def ship(scores: Path, initial: Path, training: Path, others: list[Path], output: Path) -> None:
    """Write `FILES` into the folder `output`, compressed, and copy `others` beside them.

    training: the study's training log (Parquet). The columns of `LEFT_OUT` become empty texts;
    floats are rounded, those of scores to `DECIMALS` decimals, those of the training log to the
    digits of a CSV file.
    """
    for source in (scores, initial):
        small = smaller(read_arrow(source))
        write_arrow(small, output / source.name, compression="zstd", compression_level=19)
    write_parquet(rounded(read_table(training)), output / FILES[2])
    for path in others:
        copy_whole(path, output / path.name)


def smaller(table: "pa.Table") -> "pa.Table":
    """Scores in the form that is shipped; once more gives the same."""
    import pyarrow as pa

    schema = arrow_schema()
    return pa.table([_smaller(table[name], name) for name in schema.names], schema=schema)


def _smaller(column: "pa.ChunkedArray", name: str) -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    if name in LEFT_OUT:
        return pa.chunked_array([pa.array([""] * len(column), pa.string())])
    return pc.round(column, DECIMALS) if pa.types.is_floating(column.type) else column


def _take(source: Path, output: Path) -> None:
    """Copy a file of scores; columns of `LATER` that it lacks come without values."""
    import pyarrow as pa

    table = read_arrow(source)
    lacking = [name for name in LATER if name not in table.column_names]
    if not lacking:
        copy_whole(source, output)
        return
    for name in lacking:
        field = arrow_schema().field(name)
        table = table.append_column(field, pa.nulls(len(table), field.type))
    write_arrow(table, output)


def take(folder: Path, settings: list[str], scores: Path, initial: Path, training: Path) -> None:
    """Put what `ship` wrote where the workflow looks for it.

    settings: those of the config. training: the CSV to write, Parquet beside it. Raises
    `UserError` for a folder that lacks a file, or whose scores are of other settings.
    """
    import pyarrow.compute as pc

    lacking = [name for name in FILES if not (folder / name).is_file()]
    if lacking:
        text = f"scores_from: {folder} has no {', '.join(lacking)}"
        raise UserError(f"{text}; name a folder that `snakemake ship` wrote")
    shipped = pc.unique(read_arrow(folder / FILES[0], columns=["setting"])["setting"])
    if set(settings) != set(shipped.to_pylist()):
        raise UserError(
            f"{folder} holds the settings {', '.join(sorted(shipped.to_pylist()))}, and the config "
            f"names {', '.join(sorted(settings))}; they must be the same"
        )
    scores.parent.mkdir(parents=True, exist_ok=True)
    for source, output in zip(FILES, (scores, initial), strict=False):
        _take(folder / source, output)
    write_table(read_table(folder / FILES[2]), training)
