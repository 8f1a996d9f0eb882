"""An audit's scores in the files that a study's analysis reads."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from idempotence.io import write_arrow, write_csv
from idempotence.scores.files import ORDER, SCHEMA
from idempotence.scores.training_log import CHAIN, RUN, STEP


def gather_replies(paths: list[Path], scores: Path, initial: Path, training: Path) -> None:
    """Put the scores of all traits into one file, and write what an audit has nothing of.

    initial: replies of the initial models; training: the log; both without rows.
    """
    parts = [pq.read_table(path).select(SCHEMA.names).cast(SCHEMA) for path in paths]
    whole = pa.concat_tables(parts).sort_by([(name, "ascending") for name in ORDER])
    write_arrow(whole.replace_schema_metadata(None), scores)
    write_arrow(SCHEMA.empty_table(), initial)
    write_csv(pd.DataFrame(columns=[*CHAIN, *RUN, *STEP]), training)
