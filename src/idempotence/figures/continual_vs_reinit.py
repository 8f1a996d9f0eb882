"""Continual chains against their re-initialised twins: paired slopes for each objective."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.labels import percent
from idempotence.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    PALETTE,
    empty_figure,
    new_figure,
    styled,
)
from idempotence.stats.continual import TWINS
from idempotence.stats.groups import ALL


def draw(
    pairs: pd.DataFrame, means: pd.DataFrame, confidence: float
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    pairs: see `stats.continual.continual_pairs`; means: see `stats.continual.continual`.
    """
    columns = ["objective", "model", "trait", "seed", "cell"]
    numbers = pairs[[*columns, *(f"slope_{k}" for k in ("reinit", "continual", "difference"))]]
    objectives = [name for name in TWINS if name in set(pairs["objective"])]
    text = (
        "Slope of the trait score (points a cycle) of each chain that starts every cycle from the "
        "initial model, joined with that of its twin, which goes on from the last model: same seed "
        "rows, doses and random numbers. Black: means over panels; the number is their difference "
        f"with its {percent(confidence)} t interval over panels."
    )
    with styled():
        if not objectives:
            return empty_figure("This study has no pair of twins."), numbers, text
        figure = new_figure(PAGE_WIDTH, 2.7)
        figure.set_layout_engine("constrained")
        axes = figure.subplots(1, max(len(objectives), 2), sharey=True, squeeze=False)[0]
        for place, axis in enumerate(axes):
            if place >= len(objectives):
                axis.set_visible(False)
                continue
            objective = objectives[place]
            mine = pairs[pairs["objective"] == objective]
            sides = mine[["slope_reinit", "slope_continual"]].to_numpy(float)
            for line in sides:
                axis.plot([0, 1], line, color=PALETTE[0], alpha=0.45, linewidth=0.8, marker="o",
                          markersize=2.5)  # fmt: skip
            axis.plot([0, 1], np.nanmean(sides, axis=0), color=INK, linewidth=2, marker="s",
                      markersize=4)  # fmt: skip
            axis.axhline(0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)))
            axis.set_xlim(-0.25, 1.25)
            axis.set_xticks([0, 1], [TWINS[objective][1], TWINS[objective][0]])
            axis.grid(axis="x", visible=False)
            axis.set_title(f"{objective}, n = {len(mine)} pairs\n{_told(means, objective)}",
                           loc="left")  # fmt: skip
        axes[0].set_ylabel("slope, points a cycle")
    return figure, numbers, text


def _told(means: pd.DataFrame, objective: str) -> str:
    row = means[
        (means["objective"] == objective) & (means["trait"] == ALL) & (means["measure"] == "slope")
    ]
    if row.empty:
        return ""
    estimate, low, high = (float(row[k].iloc[0]) for k in ("estimate", "ci_low", "ci_high"))
    told = f"difference {estimate:.1f}"
    return told + (f" ({low:.1f} to {high:.1f})" if np.isfinite(low) else " (no interval)")
