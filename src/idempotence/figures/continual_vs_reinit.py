"""Continual chains against their re-initialised twins: paired slopes for each pair of settings."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from idempotence.figures.labels import panels, percent, wrapped
from idempotence.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    PALETTE,
    empty_figure,
    new_figure,
    small_multiples,
    styled,
)
from idempotence.objectives import OBJECTIVES, ObjectiveName
from idempotence.stats.groups import ALL

ACROSS = 3  # pairs of settings side by side
HEIGHT, LINE = 2.7, 0.13  # inches: of a row of axes; of a further line in the settings' names
LETTERS = 18  # of a line in a setting's name


class Twins(NamedTuple):
    """Two settings that differ in nothing but the start."""

    objective: ObjectiveName
    continual: str
    reinit: str


def draw(
    pairs: pd.DataFrame, means: pd.DataFrame, confidence: float
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    pairs: see `stats.continual.continual_pairs`; means: see `stats.continual.continual`.
    """
    slopes = [f"slope_{name}" for name in ("reinit", "continual", "difference")]
    numbers = pairs[[*Twins._fields, "model", "trait", "seed", "cell", *slopes]]
    twins = _twins(pairs)
    n_panels = [n for each in twins for n in _slopes(_of(means, each))["n_panels"]]
    text = (
        "Slope of a chain's trait score over the cycles. Each thin line joins twin chains, which "
        "have the same seed rows, doses and random numbers. On the left every cycle starts from "
        "the initial model, on the right from the previous one. Black squares are means over the "
        "pairs. The title gives the mean difference, right less left, over "
        f"{panels(n_panels)}, with its {percent(confidence)} t interval. Above 0, going on from "
        "the previous model raises the slope."
    )
    with styled():
        if not twins:
            return empty_figure("This study has no pair of twins."), numbers, text
        across = min(ACROSS, max(len(twins), 2))
        names = [wrapped(name, LETTERS) for each in twins for name in each[1:]]
        lines = max(name.count("\n") for name in names)
        figure = new_figure(PAGE_WIDTH, (HEIGHT + LINE * lines) * -(-len(twins) // across))
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(twins), across, sharey=True)
        for place, (axis, each) in enumerate(zip(axes, twins, strict=True)):
            _draw(axis, _of(pairs, each))
            n, difference = len(_of(pairs, each)), _difference(_of(means, each))
            axis.set_title(f"{each.objective}, n = {n} pairs\n{difference}", loc="left")
            axis.set_xticks(
                [0, 1], [wrapped(each.reinit, LETTERS), wrapped(each.continual, LETTERS)]
            )
            if place % across == 0:
                axis.set_ylabel("slope, points per cycle")
    return figure, numbers, text


def _twins(pairs: pd.DataFrame) -> list[Twins]:
    """The pairs of settings, by objective, else in the order of the table."""
    rows = pairs[list(Twins._fields)].drop_duplicates().itertuples(index=False, name=None)
    return sorted((Twins(*row) for row in rows), key=lambda t: list(OBJECTIVES).index(t.objective))


def _of(table: pd.DataFrame, twins: Twins) -> pd.DataFrame:
    """The rows of one pair of settings."""
    return table[(table["continual"] == twins.continual) & (table["reinit"] == twins.reinit)]


def _draw(axis: Axes, mine: pd.DataFrame) -> None:
    """A line for each pair of chains, and their mean."""
    sides = mine[["slope_reinit", "slope_continual"]].to_numpy(float)
    for line in sides:
        axis.plot([0, 1], line, color=PALETTE[0], alpha=0.45, linewidth=0.8, marker="o",
                  markersize=2.5)  # fmt: skip
    axis.plot([0, 1], np.nanmean(sides, axis=0), color=INK, linewidth=2, marker="s", markersize=4)
    axis.axhline(0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)))
    axis.set_xlim(-0.25, 1.25)
    axis.grid(axis="x", visible=False)


def _slopes(means: pd.DataFrame) -> pd.DataFrame:
    """The rows on the slopes of all traits together."""
    return means[(means["trait"] == ALL) & (means["measure"] == "slope")]


def _difference(means: pd.DataFrame) -> str:
    """The mean difference of the slopes of one pair of settings, in words."""
    row = _slopes(means)
    if row.empty:
        return ""
    estimate, low, high = (float(row[name].iloc[0]) for name in ("estimate", "ci_low", "ci_high"))
    interval = f"({low:.1f} to {high:.1f})" if np.isfinite(low) else "(no interval)"
    return f"difference {estimate:.1f} {interval}"
