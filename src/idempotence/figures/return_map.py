"""Return maps: each cycle's score on the one before, with its fixed points."""

from itertools import pairwise
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
COHERENT, OTHER, POINT = PALETTE[0], "#555555", PALETTE[1]
CONFIRMED, PLAIN = 6.0, 3.4  # sizes of diamonds
SMALL = 50  # points: where no score is higher, the axes end at the highest ten
EDGE = 0.03  # of an axis, beyond its ends
IN_A_ROW = 6  # entries of the legend
DASHES = (0, (3, 2))  # of a line over bins that it skips
SHOWN = ["setting", "low", "high", "score", "drift", "ci_low", "ci_high", "n_steps", "n_panels"]
KINDS: dict[str, dict[str, Any]] = {  # of steps: their look
    "coherent step": {"marker": "o", "linestyle": "", "color": COHERENT, "markersize": 2.2,
                      "alpha": 0.6},
    "other step": {"marker": "x", "linestyle": "", "color": OTHER, "markersize": 3.0, "alpha": 0.9},
}  # fmt: skip


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
        top = _top(steps[steps["setting"].isin(settings)], numbers)
        for place, axis in enumerate(axes):
            name = settings[place]
            _steps(axis, steps[steps["setting"] == name], top)
            _bins(axis, numbers[numbers["setting"] == name], top)
            _points(axis, points[points["setting"] == name])
            axis.set_title(titles[place], loc="left")
            _dress(axis, top, place % ACROSS == 0, place + ACROSS >= len(settings))
        figure.supxlabel("trait score of a cycle, points", fontsize=8)
        figure.supylabel("a cycle later, points", fontsize=8)
        _legend(figure, points[points["setting"].isin(settings)])
    return figure, numbers, text


def caption(numbers: pd.DataFrame, confidence: float, peak_coherence: float) -> str:
    """What is drawn, over what, with which interval."""
    return (
        "A chain's trait score and, on the y axis, its score one cycle later. Dots are steps "
        f"with a coherence of at least {peak_coherence:g} at both ends, crosses all others. "
        "Black squares are means in bins of ten points over "
        f"{panels(numbers['n_panels'])}. Bars are {percent(confidence)} t intervals, for "
        f"{MIN_PANELS} panels or more, with an arrowhead where they are cut. Diamonds mark where "
        f"the line through bins of {MIN_STEPS} steps or more crosses the diagonal. Large ones are "
        "confirmed by intervals on both sides. The line is dashed over bins that it skips."
    )


def _title(numbers: pd.DataFrame, setting: str) -> str:
    n = numbers.loc[numbers["setting"] == setting, "n_steps"].sum()
    return f"{wrapped(setting, LETTERS)}\nn = {n} steps"


def _top(steps: pd.DataFrame, bins: pd.DataFrame) -> float:
    """Where all axes end: 100, or the ten above all scores where these are small."""
    scores = pd.concat([steps["x"], steps["y"], bins["score"], bins["score"] + bins["drift"]])
    highest = scores.max()
    return max(10.0, np.ceil(highest / 10) * 10) if highest <= SMALL else 100.0


def _limits(top: float) -> tuple[float, float]:
    return -EDGE * top, (1 + EDGE) * top


def _steps(axis: Axes, steps: pd.DataFrame, top: float) -> None:
    """A point for each step."""
    axis.plot([0, top], [0, top], color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1.5)
    for kind, mine in zip(
        KINDS, (steps[steps["coherent"]], steps[~steps["coherent"]]), strict=True
    ):
        axis.plot(mine["x"], mine["y"], zorder=1, markeredgewidth=0.6, **KINDS[kind])


def _bins(axis: Axes, bins: pd.DataFrame, top: float) -> None:
    """Means with their intervals, and the line between those that a map goes through.

    An arrowhead stands where a bar goes on beyond the axis. The line is dashed where it skips bins.
    """
    x, y = bins["score"].to_numpy(), (bins["score"] + bins["drift"]).to_numpy()
    low, high = ((bins["score"] + bins[name]).to_numpy() for name in ("ci_low", "ci_high"))
    known = np.isfinite(low)
    axis.vlines(x[known], low[known], high[known], color=INK, linewidth=0.9, zorder=3)
    below, above = _limits(top)
    for beyond, end, marker in ((low < below, below, "v"), (high > above, above, "^")):
        for place in x[beyond]:
            axis.plot(place, end, marker, color=INK, markersize=3.2, zorder=3, clip_on=False)
    used = np.flatnonzero(bins["n_steps"] >= MIN_STEPS)
    edges = bins[["low", "high"]].to_numpy()
    for one, two in pairwise(used):
        style = "-" if edges[two, 0] == edges[one, 1] else DASHES
        axis.plot(x[[one, two]], y[[one, two]], color=INK, linewidth=0.9, linestyle=style, zorder=3)
    axis.plot(x, y, "s", color=INK, markersize=2.4, zorder=3)


def _points(axis: Axes, points: pd.DataFrame) -> None:
    """A diamond for each fixed point."""
    for row in points.to_dict("records"):
        look = _diamond(row["stability"] == "stable", row["supported"] is True)
        axis.plot(row["point"], row["point"], zorder=4, **look)


def _diamond(stable: bool, confirmed: bool) -> dict[str, Any]:
    """The look of a fixed point."""
    return {
        "marker": "D", "color": POINT, "linestyle": "", "markeredgewidth": 1.1,
        "markersize": CONFIRMED if confirmed else PLAIN,
        "markerfacecolor": POINT if stable else "white",
    }  # fmt: skip


def _dress(axis: Axes, top: float, left: bool, lowest: bool) -> None:
    """One square scale for all; labels at the outer axes."""
    ticks = [0, top / 2, top]
    axis.set_aspect("equal")
    axis.set(xlim=_limits(top), ylim=_limits(top), xticks=ticks, yticks=ticks)
    axis.tick_params(labelleft=left, labelbottom=lowest)


def _legend(figure: Figure, points: pd.DataFrame) -> None:
    """Marks at the size in which they are drawn; of fixed points those that there are."""
    mean = {"color": INK, "marker": "s", "markersize": 2.4, "linestyle": "-", "linewidth": 0.9}
    looks = {**KINDS, "mean of a bin": mean}
    kinds = {(row["stability"] == "stable", row["supported"] is True)
             for row in points.to_dict("records")}  # fmt: skip
    for stable, confirmed in sorted(kinds, reverse=True):
        label = f"{'stable' if stable else 'unstable'}{', confirmed' if confirmed else ' point'}"
        looks[label] = _diamond(stable, confirmed)
    handles = [Line2D([], [], label=name, **look) for name, look in looks.items()]
    columns = len(handles) if len(handles) <= IN_A_ROW else IN_A_ROW - 2
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, borderpad=0)
