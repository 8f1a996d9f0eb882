"""From replies to scores: the judge's, and exact ones where they are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from idempotence.doses import Cell, n_seed_of
from idempotence.io import read_jsonl, write_parquet
from idempotence.jobs.loop import JudgeJob
from idempotence.judge.back_ends import Judge
from idempotence.judge.exact import exact_scores
from idempotence.judge.rater import Rater, Ratings
from idempotence.objectives import ObjectiveName, Start
from idempotence.scores.schema import (
    COLUMNS,
    CRITERIA,
    DEAD,
    DOSES,
    LIKELIHOODS,
    MASS,
    STARTS,
    TRUTH,
)
from idempotence.texts.rubric import rubrics


@dataclass(frozen=True)
class PanelCycle:
    """What the scores of one panel at one cycle have in common.

    start: weights that the cycles begin from, None for the initial model itself. model: its name
    in the config. cells: n_seed as it was used.
    """

    setting: str
    objective: ObjectiveName
    start: Start | None
    model: str
    trait: str
    seed: int
    cycle: int
    cells: tuple[Cell, ...]


def judge_panel(
    job: JudgeJob, judge: Judge, calibrated: Mapping[str, int], responses: Path, output: Path
) -> None:
    """Score responses.jsonl into scores.parquet.

    calibrated: level -> seed rows, as `doses.calibrated_doses` gives it.
    """
    rows, panel = read_jsonl(responses), job.panel
    replies = living(rows)
    rater = Rater(judge, job.judge, panel.trait, rubrics(panel.texts, panel.trait, panel.kind))
    table = scores_table(
        panel_cycle(job, calibrated),
        rows,
        rater.rate(replies, list(CRITERIA)),
        exact_scores(panel.trait, replies) if job.truth else None,
    )
    write_parquet(table, output)


def panel_cycle(job: JudgeJob, calibrated: Mapping[str, int]) -> PanelCycle:
    """The job's panel and cycle, each cell with the number of seed rows that it trained on."""
    panel, cells = job.panel, job.panel.cells
    if job.start is not None:  # the initial model has no dose
        cells = tuple(replace(c, n_seed=n_seed_of(c, job.n_seed, calibrated)) for c in cells)
    return PanelCycle(
        setting=job.setting,
        objective=panel.objective,
        start=job.start,
        model=panel.model.name,
        trait=panel.trait,
        seed=panel.seed,
        cycle=job.cycle,
        cells=cells,
    )


def living(rows: Sequence[dict]) -> list[dict]:
    """The rows of chains that still have a model to answer."""
    return [row for row in rows if row["status"] not in DEAD]


def scores_table(
    about: PanelCycle,
    rows: Sequence[dict],
    ratings: Ratings,
    truth: Sequence[tuple[float, float]] | None,
) -> pd.DataFrame:
    """One row per reply, with the columns of `scores.schema`; nothing is dropped.

    rows: those of responses.jsonl. ratings, truth ((trait, coherence), each 0-100; None where it
    is not known): of the `living` rows, in their order.
    """
    frame = pd.DataFrame(rows)
    for name in ("setting", "objective", "model", "trait", "seed", "cycle"):
        frame[name] = getattr(about, name)
    frame["start"] = STARTS[about.start]
    for dose in DOSES:
        by_cell = {cell.name: cell.doses[dose] for cell in about.cells}
        frame[dose] = frame["cell"].map(by_cell).astype("float64")
    alive = frame.index[~frame["status"].isin(DEAD)]
    for criterion, rated in ratings.items():
        scores, masses = [r.score for r, _ in rated], [r.mass for r, _ in rated]
        frame[CRITERIA[criterion]] = pd.Series(scores, alive, dtype="float64")
        frame[MASS[criterion]] = pd.Series(masses, alive, dtype="float64")
        missing = pd.Series([r.missing for r, _ in rated], alive, dtype="object")
        frame[f"{criterion}_missing"] = missing.reindex(frame.index, fill_value="no response")
        top = pd.Series([evidence for _, evidence in rated], alive, dtype="object")
        frame[f"{criterion}_top"] = top.reindex(frame.index, fill_value="")
    frame = frame.join(_truth(truth, alive))
    for name in LIKELIHOODS:
        frame[name] = frame[name].astype("float64")
    return frame[COLUMNS].astype({"seed": "int64", "cycle": "int64"})


def _truth(values: Sequence[tuple[float, float]] | None, index: pd.Index) -> pd.DataFrame:
    """Columns `TRUTH`, missing where values is None."""
    return pd.DataFrame(values or None, columns=list(TRUTH.values()), index=index, dtype="float64")
