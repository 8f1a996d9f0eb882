"""What the jobs of the loop cost, from the benchmark files that Snakemake writes beside them."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from idempotence.errors import UserError
from idempotence.figures.labels import in_order
from idempotence.training_log import CHAIN

PANEL = ["setting", "model", "trait", "seed", "cycle"]
UNITS = {"finetune": "tokens", "sample": "replies", "judge": "replies"}


def costs(scores: Path, training: Path, benchmarks: Path) -> pd.DataFrame:
    """One row a stage and setting.

    scores: a scores file; training: training.csv; benchmarks: the folder with
    <stage>/<setting>.<model>.<trait>.<seed>.<cycle>.tsv, of which any may be absent.
    Columns: stage, setting, jobs, timed (jobs with a benchmark), seconds (sum over the timed),
    seconds_a_job, handled, unit, handled_a_second (empty unless all jobs were timed).
    """
    counted = pq.read_table(scores, columns=PANEL).group_by(PANEL).aggregate([([], "count_all")])
    judged = counted.to_pandas()
    runs = pd.read_csv(training).drop_duplicates(CHAIN)
    return pd.DataFrame(
        [
            _row(stage, setting, judged[judged["setting"] == setting],
                 runs[runs["setting"] == setting], benchmarks / stage)
            for stage in UNITS
            for setting in in_order(judged["setting"])
        ]
    )  # fmt: skip


def _row(stage: str, setting: str, judged: pd.DataFrame, runs: pd.DataFrame, folder: Path) -> dict:
    names = judged[PANEL].astype(str).agg(".".join, axis=1)
    seconds = [s for name in names if (s := _seconds(folder / f"{name}.tsv")) is not None]
    replies = int(judged["count_all"].sum())
    fed = runs.loc[runs["cycle"] > 0, ["rows", "dropped"]].sum().sum()
    handled = {"finetune": runs["tokens"].sum(), "sample": replies + fed, "judge": replies}[stage]
    whole = len(seconds) == len(names)
    return {
        "stage": stage, "setting": setting, "jobs": len(names), "timed": len(seconds),
        "seconds": sum(seconds), "seconds_a_job": sum(seconds) / len(seconds) if seconds else None,
        "handled": int(handled), "unit": UNITS[stage],
        "handled_a_second": handled / sum(seconds) if whole else None,
    }  # fmt: skip


def _seconds(file: Path) -> float | None:
    """Wall seconds of a job; None where it has no benchmark. Raises `UserError` for another file."""
    if not file.is_file():
        return None
    try:
        return float(pd.read_csv(file, sep="\t")["s"].iloc[0])
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(f"{file} is no benchmark of Snakemake ({error}); delete it") from None
