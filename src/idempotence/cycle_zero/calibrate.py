"""The dose of a level: how many seed rows bring the cycle-0 score across it."""

from collections.abc import Callable
from pathlib import Path

from idempotence.config.grid import exact
from idempotence.cycle_zero.models import CycleZero
from idempotence.io import write_json
from idempotence.judge.back_ends import Judge


def dose_grid(step: int, n_seed_max: int) -> list[int]:
    """The doses that may be tried: multiples of step."""
    return list(range(step, n_seed_max + 1, step))


def crossing(score: Callable[[int], float], level: float, grid: list[int]) -> int:
    """Index of the first dose on the grid whose score reaches `level`; len(grid) if none does.

    A bisection: it takes the score to rise with the dose, as the published search does.
    """
    low, high = 0, len(grid)
    while low < high:
        middle = (low + high) // 2
        if score(grid[middle]) >= level:
            high = middle
        else:
            low = middle + 1
    return low


def pick_dose(score: Callable[[int], float], level: float, grid: list[int]) -> dict:
    """The dose nearest to the level on either side of the crossing.

    Returns {"n_seed", "score", "reached"}: reached is false when even the largest dose stays
    below the level; the largest dose is then taken, and the report says so.
    """
    at = crossing(score, level, grid)
    if at == len(grid):
        return {"n_seed": grid[-1], "score": score(grid[-1]), "reached": False}
    near = grid[max(at - 1, 0) : at + 1]
    best = min(near, key=lambda n: (abs(score(n) - level), n))
    return {"n_seed": best, "score": score(best), "reached": True}


def calibrate(settings: dict, model: str, judge: Judge, output: Path) -> None:
    """Find every level's dose and write them with the curve of all that was measured.

    settings: those of `sample` and `finetune`, with levels, n_seed_max, step (the grid) and
    evaluation.samples_per_question as in calibration.
    """
    models = CycleZero(settings, model, judge)
    curve: dict[int, float] = {}

    def score(n_seed: int) -> float:
        if n_seed not in curve:
            curve[n_seed] = models.measure(f"seed{n_seed}", n_seed, settings["training"]).trait
        return curve[n_seed]

    grid = dose_grid(settings["step"], settings["n_seed_max"])
    levels = {exact(level): pick_dose(score, level, grid) for level in settings["levels"]}
    write_json(
        output,
        {"levels": levels, "curve": [{"n_seed": n, "score": curve[n]} for n in sorted(curve)]},
    )
