"""An audit's scores in the files that a study's analysis reads."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from idempotence.io import read_arrow, write_arrow, write_table
from idempotence.scores.schema import ORDER, arrow_schema
from idempotence.scores.training_log import KEY, RUN, STEP


def gather_replies(paths: list[Path], scores: Path, initial: Path, training: Path) -> None:
    """Put the scores of all traits into one file; write empty tables of what an audit lacks.

    paths: scores of each trait. scores: the study's file, rows in the order `scores.schema.ORDER`.
    initial: scores of the initial models. training: the training log (CSV; Parquet beside it).
    Raises as `io.read_arrow`.
    """
    schema = arrow_schema()
    parts = [read_arrow(path).select(schema.names).cast(schema) for path in paths]
    whole = pa.concat_tables(parts).sort_by([(name, "ascending") for name in ORDER])
    write_arrow(whole.replace_schema_metadata(None), scores)
    write_arrow(schema.empty_table(), initial)
    write_table(pd.DataFrame(columns=[*KEY, *RUN, *STEP]), training)
