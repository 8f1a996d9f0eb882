"""What the jobs of the loop cost, from the usage files that they write."""

import csv
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.endpoint.answers import spent_in
from idempotence.errors import UserError
from idempotence.figures.labels import in_order
from idempotence.io import read_arrow, read_table
from idempotence.jobs.parts import Loops
from idempotence.scores.schema import PANEL_CYCLE
from idempotence.scores.training_log import KEY
from idempotence.stats.groups import ALL

SECOND = "judge_second"
COPIED = ("finetune", "sample")  # stages that a copied cycle 0 does without
COUNTS = ["jobs", "timed", "handled"]
SPENT = ["calls", "tokens_in", "tokens_out"]
UNITS = {
    "finetune": "tokens", "sample": "replies", "judge": "replies", "judge_second": "replies",
}  # fmt: skip
# stages that some settings have: what is sampled or judged to choose or mix rows
MORE_STAGES = ("sample_initial_rows", "judge_generated", "sample_candidates", "judge_candidates")
UNKNOWN = ("", "-", "NA")  # in a usage file: not measured


@dataclass(frozen=True)
class Usage:
    """What one job used: wall seconds, peak memory (MB), CPU seconds; NaN where not measured."""

    seconds: float
    memory: float
    cpu: float


def costs(
    scores: Path,
    training: Path,
    benchmarks: Path,
    endpoints: Mapping[str, Mapping[str, Any]],
    loops: Loops,
    copied: Collection[str] = (),
) -> pd.DataFrame:
    """One row for each stage and setting, then one for each endpoint.

    scores: a scores file; training: the training log; benchmarks: the folder with
    <stage>/<setting>.<model>.<trait>.<seed>.<cycle>.tsv, of which any may be absent; copied:
    settings whose cycle 0 is that of another setting, neither trained nor sampled again.
    Columns: stage, setting, jobs, timed (jobs with a usage file), seconds (wall time, sum over the
    timed), seconds_per_job, memory_mb (largest peak of a timed job, MB), load (CPU seconds per wall
    second of the timed jobs), handled, unit, handled_per_second (empty unless all jobs were timed).
    A second judge is a stage where it has usage files. So are `MORE_STAGES`; their jobs are those
    timed, and what they handled is not counted.

    endpoints: role ("judge") -> its cache of answers, price_in and price_out (money per million
    tokens). Where there are any, they have rows of their own (stage "<role> API") and columns:
    calls, tokens_in, tokens_out, cost, of all jobs with that role; empty where the cache is gone.
    """
    counted = read_arrow(scores, columns=PANEL_CYCLE).group_by(PANEL_CYCLE)
    judged = counted.aggregate([([], "count_all")]).to_pandas()
    runs = read_table(training).drop_duplicates(KEY)
    rows = [
        _row(stage, setting, judged[judged["setting"] == setting],
             runs[runs["setting"] == setting], benchmarks / stage,
             1 if setting in copied and stage in COPIED else 0)
        for stage in UNITS
        if stage != SECOND or (benchmarks / stage).is_dir()
        for setting in in_order(judged["setting"], loops)
    ]  # fmt: skip
    rows += [
        _more(stage, setting, judged[judged["setting"] == setting], benchmarks / stage)
        for stage in MORE_STAGES
        if (benchmarks / stage).is_dir()
        for setting in in_order(judged["setting"], loops)
    ]
    rows = [row for row in rows if row]
    remote = [_spent(role, **endpoint) for role, endpoint in endpoints.items()]
    table = pd.concat([pd.DataFrame(rows), pd.DataFrame(remote)], ignore_index=True)
    counts = [name for name in (*COUNTS, *SPENT) if name in table]
    return table.astype(dict.fromkeys(counts, "Int64"))


def _spent(role: str, cache: str, price_in: float, price_out: float) -> dict[str, Any]:
    """The row of an endpoint; without numbers where its cache is gone."""
    row, spent = {"stage": f"{role} API", "setting": ALL}, spent_in(Path(cache))
    if spent is None:
        return {**row, **dict.fromkeys([*SPENT, "cost"])}
    return {**row, **asdict(spent), "cost": spent.cost(price_in, price_out)}


def _row(
    stage: str, setting: str, judged: pd.DataFrame, runs: pd.DataFrame, folder: Path, first: int
) -> dict[str, Any]:
    """The row of a stage and setting, from its cycle `first` on."""
    judged, runs = judged[judged["cycle"] >= first], runs[runs["cycle"] >= first]
    used, expected = _used(judged, folder), len(judged)
    replies = int(judged["count_all"].sum())
    trained_on = runs.loc[runs["cycle"] > first, ["rows", "dropped"]].sum().sum()
    handled = {"finetune": runs["tokens"].sum(), "sample": replies + trained_on}.get(stage, replies)
    seconds, whole = sum(usage.seconds for usage in used), len(used) == expected
    return {
        "stage": stage, "setting": setting, "jobs": expected, **_timed(used),
        "handled": int(handled), "unit": UNITS[stage],
        "handled_per_second": handled / seconds if whole and seconds else None,
    }  # fmt: skip


def _more(stage: str, setting: str, judged: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """The row of a stage that a setting need not have; empty where it has no usage file."""
    used = _used(judged, folder)
    return {"stage": stage, "setting": setting, "jobs": len(used), **_timed(used)} if used else {}


def _used(judged: pd.DataFrame, folder: Path) -> list[Usage]:
    """What the jobs of these panels and cycles used, of those that have a usage file."""
    names = judged[PANEL_CYCLE].astype(str).agg(".".join, axis=1)
    usages = (read_usage(folder / f"{name}.tsv") for name in names)
    return [usage for usage in usages if usage is not None]


def _timed(used: list[Usage]) -> dict[str, Any]:
    """How many jobs were timed, their seconds, peak memory and load."""
    seconds = sum(usage.seconds for usage in used)
    mean = seconds / len(used) if used else None
    return {"timed": len(used), "seconds": seconds, "seconds_per_job": mean, **_machine(used)}


def _machine(used: list[Usage]) -> dict[str, float | None]:
    """Peak memory and load of some jobs, of those where they were measured."""
    memory = [usage.memory for usage in used if not math.isnan(usage.memory)]
    busy = [usage for usage in used if not math.isnan(usage.cpu)]
    seconds = sum(usage.seconds for usage in busy)
    return {
        "memory_mb": max(memory, default=None),
        "load": sum(usage.cpu for usage in busy) / seconds if seconds else None,
    }


def read_usage(file: Path) -> Usage | None:
    """What a job used, from the first row of its usage file; None where it has none.

    The columns are those of Snakemake's benchmark files. Raises `UserError` for another file.
    """
    if not file.is_file():
        return None
    try:
        with open(file, encoding="utf-8", newline="") as lines:
            row = next(csv.DictReader(lines, delimiter="\t"))
        memory, cpu = (row.get(name) or "" for name in ("max_rss", "cpu_time"))
        return Usage(float(row["s"]), _number(memory), _number(cpu))
    except (KeyError, StopIteration, ValueError, TypeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UserError(f"{file} is no usage file of a job ({what}); delete it") from None


def _number(text: str) -> float:
    return math.nan if text in UNKNOWN else float(text)
