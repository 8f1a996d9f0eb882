"""Return maps: each cycle's score on the one before, with its fixed points."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import in_order, panels, percent, wrapped
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
from idempotence.jobs.parts import Loops
from idempotence.stats.fixed_points import MIN_STEPS
from idempotence.stats.groups import ALL
from idempotence.stats.panels import MIN_PANELS

ACROSS = 4  # settings side by side
LINE, LETTERS = 0.13, 26  # a further line of a title, inches; letters of a line
COHERENT, OTHER, POINT = PALETTE[4], "#BBBBBB", PALETTE[1]
SHOWN = ["setting", "low", "high", "score", "drift", "ci_low", "ci_high", "n_steps", "n_panels"]
KINDS: dict[str, dict[str, Any]] = {  # of steps: their look
    "coherent step": {"marker": "o", "color": COHERENT, "markersize": 2.0, "alpha": 0.5},
    "other step": {"marker": "x", "color": OTHER, "markersize": 2.4, "alpha": 0.8},
}


def draw(
    steps: pd.DataFrame,
    bins: pd.DataFrame,
    points: pd.DataFrame,
    confidence: float,
    peak_coherence: float,
    loops: Loops,
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    steps: see `stats.return_map.map_steps`; bins, points: see `stats.return_map.return_map`, of
    which all steps of all traits are drawn. peak_coherence: points, of a coherent step's ends.
    """
    bins = bins[(bins["trait"] == ALL) & (bins["steps"] == "all")]
    points = points[(points["trait"] == ALL) & (points["steps"] == "all")]
    points = points[(points["method"] == "piecewise") & (points["number"] > 0)]
    numbers = bins.loc[bins["n_steps"] > 0, SHOWN]
    settings = in_order(numbers["setting"], loops)
    text = caption(numbers, confidence, peak_coherence)
    with styled():
        if not settings:
            return empty_figure("This study has no step from one cycle to the next."), numbers, text
        titles = [_title(numbers, setting) for setting in settings]
        bands = -(-len(settings) // ACROSS)
        head = LINE * (max(title.count("\n") for title in titles) - 1)
        figure = new_figure(PAGE_WIDTH, (1.95 + head) * bands + 0.55)
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(settings), ACROSS)
        for place, axis in enumerate(axes):
            name = settings[place]
            _steps(axis, steps[steps["setting"] == name])
            _bins(axis, numbers[numbers["setting"] == name])
            _points(axis, points[points["setting"] == name])
            axis.set_title(titles[place], loc="left")
            _dress(axis, place % ACROSS == 0, place + ACROSS >= len(settings))
        figure.supxlabel("trait score of a cycle, points", fontsize=8)
        figure.supylabel("a cycle later, points", fontsize=8)
        _legend(figure)
    return figure, numbers, text


def caption(numbers: pd.DataFrame, confidence: float, peak_coherence: float) -> str:
    """What is drawn, over what, with which interval."""
    return (
        "A chain's trait score (x axis) and its score one cycle later (y axis). Dots are steps "
        f"with a coherence of at least {peak_coherence:g} at both ends, crosses all others. On the "
        "diagonal a cycle changes nothing. Black squares are means in bins of ten points over "
        f"{panels(numbers['n_panels'])}. Bars are {percent(confidence)} t intervals, for "
        f"{MIN_PANELS} panels or more. Diamonds mark where the line through bins of {MIN_STEPS} "
        "steps or more crosses the diagonal. Filled ones are stable, so steps lead to them. Large "
        "ones are confirmed by intervals on both sides."
    )


def _title(numbers: pd.DataFrame, setting: str) -> str:
    n = numbers.loc[numbers["setting"] == setting, "n_steps"].sum()
    return f"{wrapped(setting, LETTERS)}\nn = {n} steps"


def _steps(axis: Axes, steps: pd.DataFrame) -> None:
    """A point for each step."""
    axis.plot([0, 100], [0, 100], color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1.5)
    for kind, mine in zip(
        KINDS, (steps[steps["coherent"]], steps[~steps["coherent"]]), strict=True
    ):
        axis.plot(mine["x"], mine["y"], linestyle="", zorder=1, markeredgewidth=0.5, **KINDS[kind])


def _bins(axis: Axes, bins: pd.DataFrame) -> None:
    """Means with their intervals, and the line between those that a map goes through."""
    x, y = bins["score"].to_numpy(), (bins["score"] + bins["drift"]).to_numpy()
    low, high = (bins["score"] + bins[name] for name in ("ci_low", "ci_high"))
    known = np.isfinite(low)
    axis.vlines(x[known], low[known], high[known], color=INK, linewidth=0.9, zorder=3)
    used = (bins["n_steps"] >= MIN_STEPS).to_numpy()
    axis.plot(x[used], y[used], color=INK, linewidth=0.9, zorder=3)
    axis.plot(x, y, "s", color=INK, markersize=2.4, zorder=3)


def _points(axis: Axes, points: pd.DataFrame) -> None:
    """A diamond for each fixed point."""
    for row in points.to_dict("records"):
        axis.plot(
            row["point"], row["point"], "D", color=POINT, zorder=4, markeredgewidth=1.1,
            markersize=6 if row["supported"] is True else 3.4,
            markerfacecolor=POINT if row["stability"] == "stable" else "white",
        )  # fmt: skip


def _dress(axis: Axes, left: bool, lowest: bool) -> None:
    """One square scale for all; labels at the outer axes."""
    axis.set_aspect("equal")
    axis.set(xlim=(-3, 103), ylim=(-3, 103), xticks=[0, 50, 100], yticks=[0, 50, 100])
    axis.tick_params(labelleft=left, labelbottom=lowest)


def _legend(figure: Figure) -> None:
    handles = [
        *(Line2D([], [], linestyle="", label=kind, **look) for kind, look in KINDS.items()),
        Line2D([], [], color=INK, marker="s", markersize=2.4, linewidth=0.9, label="mean of a bin"),
        *(
            Line2D([], [], linestyle="", marker="D", color=POINT, markersize=4.5, label=label,
                   markerfacecolor=face)
            for label, face in (("stable fixed point", POINT), ("unstable", "white"))
        ),
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), borderpad=0)
