"""Trajectories of studies that have not run: a scenario's course for each chain, and noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from idempotence.claims.definition import Scenario
from idempotence.claims.draws import drawn
from idempotence.errors import UserError
from idempotence.jobs.parts import Loop, SettingGrid
from idempotence.objectives import ObjectiveName, Start
from idempotence.scores.schema import ALIVE, DOSES, STARTS
from idempotence.stats.arrays import Floats
from idempotence.stats.noise import MEASURES, PARTS
from idempotence.stats.trajectories import DIVERGENCE

RANGES = {"trait_score": (0.0, 100.0), "coherence": (0.0, 100.0), "words_per_sentence": (1.0, None)}


@dataclass(frozen=True)
class Simulated:
    """A setting to simulate: its chains, its recipe and last cycle, and what its chains do."""

    grid: SettingGrid
    loop: Loop
    scenario: Scenario


def trajectories(
    settings: Sequence[Simulated],
    noise: pd.DataFrame,
    score_0: float,
    draws: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Trajectories of `draws` studies, with the columns that tables for claims are made of.

    noise: see `stats.noise.noise`. The setting of draw d is named by `drawn`. A chain's trait score
    starts at its cell's level, score_0 where it has none, other measures at the noise's mean of
    cycle 0. To its scenario's course are added, from cycle 1 on, the deviations of the panel, the
    chain and the cycle, all normal; those of panel and chain grow linearly up to the last cycle of
    the study that noise comes from, and stay. Measures and settings scatter independently, scores
    are cut at 0 and 100, and no chain ends. Raises `UserError` where noise has no row.
    """
    return pd.concat([_of_setting(each, noise, score_0, draws, rng) for each in settings])


def _of_setting(
    simulated: Simulated, noise: pd.DataFrame, score_0: float, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows of one setting; see `trajectories`."""
    grid, loop, scenario = simulated.grid, simulated.loop, simulated.scenario
    panels = [(m, t, s) for m in grid.models for t in grid.traits for s in range(grid.seeds)]
    shape = (draws, len(panels), len(grid.cells), loop.last_cycle + 1)
    draw, panel, cell, cycle = (index.ravel() for index in np.indices(shape))
    table = pd.DataFrame(
        {"setting": np.array([drawn(grid.setting, d) for d in range(draws)])[draw]}
    )
    for name, values in zip(["model", "trait", "seed"], zip(*panels, strict=True), strict=True):
        table[name] = np.array(values)[panel]
    table["cell"] = np.array([each.name for each in grid.cells])[cell]
    table["objective"], table["start"] = loop.objective, STARTS[loop.start]
    for dose in DOSES:
        table[dose] = np.array([each.doses[dose] for each in grid.cells], float)[cell]
    table["cycle"], table["status"], table["reason"] = cycle, ALIVE, ""
    levels = np.array([score_0 if each.level is None else each.level for each in grid.cells])
    follows = rng.random((*shape[:3], 1)) < scenario.chains
    for measure in MEASURES:
        of_noise = noise_of(noise, loop.objective, loop.start, measure)
        first = levels[:, None] if measure == "trait_score" else of_noise["mean_0"]
        others = scenario.others if measure == "trait_score" else 0.0
        change = np.where(follows, getattr(scenario, measure), others)
        course: Floats = change * np.minimum(np.arange(shape[-1]) / scenario.by, 1)
        scores = first + course + _deviations(shape, of_noise, rng)
        table[measure] = np.clip(scores, *RANGES[measure]).ravel()
    table[DIVERGENCE] = np.nan  # which no claim's test is about
    return table


def _deviations(
    shape: tuple[int, ...], of_noise: Mapping[str, float], rng: np.random.Generator
) -> Floats:
    """Deviations from the course, shape (draws, panels, cells, cycles); none at cycle 0."""
    cycles = np.arange(shape[-1])
    of_panel = of_noise["sd_panel"] * rng.standard_normal((*shape[:2], 1, 1))
    of_chain = of_noise["sd_chain"] * rng.standard_normal((*shape[:3], 1))
    of_cycle = of_noise["sd_cycle"] * rng.standard_normal(shape) * (cycles > 0)
    return (of_panel + of_chain) * np.minimum(cycles / of_noise["last_cycle"], 1) + of_cycle


def noise_of(
    noise: pd.DataFrame, objective: ObjectiveName, start: Start, measure: str
) -> dict[str, float]:
    """The numbers of a recipe and measure; raises `UserError` unless there is one whole row."""
    key = {"objective": objective, "start": STARTS[start], "measure": measure}
    rows = noise[(noise[list(key)] == pd.Series(key)).all(axis=1)]
    numbers = rows[["last_cycle", "mean_0", *PARTS]]
    if len(rows) != 1 or numbers.isna().any(axis=None):
        names = " ".join(key.values())
        raise UserError(f"noise: {len(rows)} rows for {names}; one with all numbers is needed")
    return {str(name): float(value) for name, value in numbers.iloc[0].items()}
