"""The dose of a level: how many seed rows bring the cycle-0 score across it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from idempotence.config.panels import exact
from idempotence.engine.hf import TransformersEngine
from idempotence.finetune.panel import train_cell
from idempotence.io import write_json
from idempotence.judge.panel import rate_all
from idempotence.sample import PanelSampler


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


class CycleZero:
    """The cycle-0 trait score as a function of n_seed, each dose trained and judged once."""

    def __init__(self, settings: dict, engine: TransformersEngine, judge: TransformersEngine):
        self.settings = settings
        self.engine = engine
        self.judge = judge
        self.sampler = PanelSampler(settings, engine)
        self.rows = self.sampler.seed_data()
        self.curve: dict[int, float] = {}

    def __call__(self, n_seed: int) -> float:
        """Mean trait score, 0-100; a model that collapsed counts as 0."""
        if n_seed not in self.curve:
            self.curve[n_seed] = self._measure(n_seed)
        return self.curve[n_seed]

    def _measure(self, n_seed: int) -> float:
        cell = {"name": f"seed{n_seed}", "beta": None}
        with tempfile.TemporaryDirectory() as folder:
            self.engine.model = train_cell(
                {**self.settings, "cycle": 0}, cell, self.engine.model, self.engine.tokenizer,
                self.rows[:n_seed], None, Path(folder) / cell["name"],
            )[0]  # fmt: skip
            self.sampler.settings = {**self.settings, "cells": [cell]}
            replies, _ = self.sampler.replies(Path(folder), last=True)
        ratings = rate_all(self.judge, self.settings, replies, ["trait"])["trait"]
        known = [rating.score for rating, _ in ratings if not rating.missing]
        return round(sum(known) / len(known), 3) if known else 0.0


def calibrate(settings: dict, model: str, judge: str, output: Path) -> None:
    """Find every level's dose and write them with the curve of all that was measured.

    settings: those of `sample` and `finetune`, with levels, n_seed_max, step (the grid) and
    evaluation.samples_per_question as in calibration.
    """
    engine = TransformersEngine(model, settings["model"]["revision"], settings["model"]["dtype"])
    how = settings["judge"]
    measure = CycleZero(settings, engine, TransformersEngine(judge, how["revision"]))
    grid = list(range(settings["step"], settings["n_seed_max"] + 1, settings["step"]))
    levels = {exact(level): pick_dose(measure, level, grid) for level in settings["levels"]}
    curve = [{"n_seed": n, "score": measure.curve[n]} for n in sorted(measure.curve)]
    write_json(output, {"levels": levels, "curve": curve})
