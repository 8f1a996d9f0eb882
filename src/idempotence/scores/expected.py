"""What a run of a shipped study must come to, model by model."""

import hashlib

import pandas as pd

from idempotence.io import read_arrow
from idempotence.scores.schema import CHAIN, COLUMNS, CRITERIA, WITHIN_PANEL_CYCLE
from idempotence.scores.shipped import DECIMALS, LEFT_OUT, smaller

MODEL = [*CHAIN, "cycle"]  # a chain at a cycle
DIGITS = 16  # of a SHA-256 that are kept


def expectations(*scores: str) -> pd.DataFrame:
    """A row for each model of scores files: `MODEL`, replies, sha256, trait_score, coherence.

    scores: files of a study's own, or shipped ones, which give the same. sha256: the first `DIGITS`
    digits of the digest of a model's rows in the form that is shipped, where scores have `DECIMALS`
    decimals. trait_score, coherence: means over its replies (0-100).
    """
    kept = [name for name in COLUMNS if name not in LEFT_OUT]
    tables = [smaller(read_arrow(path)).select(kept).to_pandas() for path in scores]
    rows = pd.concat(tables, ignore_index=True).sort_values([*MODEL, *WITHIN_PANEL_CYCLE])
    floats = rows.select_dtypes("float64")
    rows[floats.columns] = floats + 0.0  # never -0
    models = rows.groupby(MODEL, sort=True)
    table: pd.DataFrame = models.agg(
        replies=("response", "size"),
        **{score: (score, "mean") for score in CRITERIA.values()},
    ).reset_index()
    table.insert(len(MODEL) + 1, "sha256", [_digest(own) for _, own in models])
    return table


def _digest(rows: pd.DataFrame) -> str:
    text = rows.to_csv(index=False, float_format=f"%.{DECIMALS}f", lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
