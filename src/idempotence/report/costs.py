"""What the jobs of the loop cost, from the benchmark files that Snakemake writes beside them."""

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from idempotence.endpoint.answers import spent_in
from idempotence.errors import UserError
from idempotence.figures.labels import in_order
from idempotence.scores.training_log import CHAIN
from idempotence.stats.groups import ALL

SECOND = "judge_second"
COPIED = ("finetune", "sample")  # stages that a twin's cycle 0 does without
COUNTS = ["jobs", "timed", "handled"]
ASKED = ["calls", "tokens_in", "tokens_out"]
PANEL = ["setting", "model", "trait", "seed", "cycle"]
UNITS = {
    "finetune": "tokens", "sample": "replies", "judge": "replies", "judge_second": "replies",
}  # fmt: skip


def costs(
    scores: Path,
    training: Path,
    benchmarks: Path,
    endpoints: dict[str, dict],
    copied: Collection[str] = (),
) -> pd.DataFrame:
    """One row a stage and setting, then one an endpoint.

    scores: a scores file; training: training.csv; benchmarks: the folder with
    <stage>/<setting>.<model>.<trait>.<seed>.<cycle>.tsv, of which any may be absent.
    Columns: stage, setting, jobs, timed (jobs with a benchmark), seconds (sum over the timed),
    seconds_a_job, handled, unit, handled_a_second (empty unless all jobs were timed). A second
    judge is a stage where it has benchmarks.

    copied: settings whose cycle 0 is that of a twin, neither trained nor sampled again.

    endpoints: role ("judge") -> its cache of answers, price_in and price_out (money a million
    tokens). Where there are any, they have rows of their own (stage "<role> API") and columns:
    calls, tokens_in, tokens_out, cost, of all jobs that asked; empty where the cache is gone.
    """
    counted = pq.read_table(scores, columns=PANEL).group_by(PANEL).aggregate([([], "count_all")])
    judged = counted.to_pandas()
    runs = pd.read_csv(training).drop_duplicates(CHAIN)
    stages = [stage for stage in UNITS if stage != SECOND or (benchmarks / stage).is_dir()]
    table = pd.DataFrame(
        [
            _row(stage, setting, judged[judged["setting"] == setting],
                 runs[runs["setting"] == setting], benchmarks / stage,
                 1 if setting in copied and stage in COPIED else 0)
            for stage in stages
            for setting in in_order(judged["setting"])
        ]
    )  # fmt: skip
    asked = pd.DataFrame([_asked(role, **told) for role, told in endpoints.items()])
    return pd.concat([table, asked], ignore_index=True).astype(
        dict.fromkeys([*COUNTS, *(name for name in ASKED if name in asked)], "Int64")
    )


def _asked(role: str, cache: str, price_in: float, price_out: float) -> dict:
    """What an endpoint was asked; empty where it is no longer known."""
    about, spent = {"stage": f"{role} API", "setting": ALL}, spent_in(Path(cache))
    if spent is None:
        return {**about, **dict.fromkeys([*ASKED, "cost"])}
    return {**about, **asdict(spent), "cost": spent.cost(price_in, price_out)}


def _row(
    stage: str, setting: str, judged: pd.DataFrame, runs: pd.DataFrame, folder: Path, first: int
) -> dict:
    judged, runs = judged[judged["cycle"] >= first], runs[runs["cycle"] >= first]
    names = judged[PANEL].astype(str).agg(".".join, axis=1)
    seconds = [s for name in names if (s := _seconds(folder / f"{name}.tsv")) is not None]
    replies = int(judged["count_all"].sum())
    fed = runs.loc[runs["cycle"] > first, ["rows", "dropped"]].sum().sum()
    handled = {"finetune": runs["tokens"].sum(), "sample": replies + fed}.get(stage, replies)
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
