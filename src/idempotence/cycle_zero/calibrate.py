"""Calibration: the number of seed rows of each level, from the scores of cycle-0 models."""

from pathlib import Path

from idempotence.cycle_zero.dose_search import dose_grid, pick_dose
from idempotence.cycle_zero.models import SeededModels
from idempotence.doses import Cell, exact
from idempotence.io import write_sealed
from idempotence.jobs.preparation import CalibrateJob
from idempotence.judge.back_ends import Judge


def write_doses(job: CalibrateJob, model: str, judge: Judge, output: Path) -> None:
    """Find every level's dose and write them with the curve of all that was measured.

    model: folder or hub name of the initial model. output: JSON with "levels" (level as `exact`
    writes it -> what `pick_dose` returns) and "curve" (rows of n_seed and score).
    """
    models = SeededModels(job.cycle_zero, model, judge)
    curve: dict[int, float] = {}

    def score(n_seed: int) -> float:
        if n_seed not in curve:
            cell = Cell(f"seed{n_seed}", n_seed=n_seed)
            curve[n_seed] = models.measure(cell, job.cycle_zero.training).trait
        return curve[n_seed]

    grid = dose_grid(job.step, job.n_seed_max)
    levels = {exact(level): pick_dose(score, level, grid) for level in job.levels}
    write_sealed(
        output,
        {"levels": levels, "curve": [{"n_seed": n, "score": curve[n]} for n in sorted(curve)]},
    )
