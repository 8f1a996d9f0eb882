"""Lines in a figure, drawn by seaborn from values that are computed beforehand."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from idempotence.figures.style import Look

ROOM = 12  # a tick for each cycle up to this one
# Seeds or panels of which each is drawn: an interval over so few fills the axis and shows nothing.
FEW = 3
THIN: dict[str, Any] = {"linewidth": 0.6, "alpha": 0.6}  # of what a mean is over
# Of markers, as matplotlib draws them; seaborn's are edged in white.
EDGES = {"markeredgecolor": "auto", "markeredgewidth": 1.0}


def cycle_ticks(last_cycle: int) -> range:
    """Cycles that are marked on an axis from 0 to the last one: at most eleven."""
    steps = (step * ten for ten in (1, 10, 100, 1000) for step in (1, 5))
    return range(0, last_cycle + 1, next(step for step in steps if last_cycle <= 10 * step))


def ticks_of(cycles: Iterable[int]) -> Sequence[int]:
    """The cycles themselves, where an axis has room for each; else `cycle_ticks`."""
    ordered = sorted(set(cycles))
    return ordered if ordered[-1] <= ROOM else cycle_ticks(int(ordered[-1]))


def draw_lines(
    axis: Axes, table: pd.DataFrame, y: str, by: str, looks: dict[Any, Look], **style: Any
) -> None:
    """Draw column `y` over the column cycle: a line for each value of the column `by`.

    table: a row for each point; nothing is averaged or resampled here. looks: value of `by` -> its
    look, in the order of drawing. style: further arguments of `seaborn.lineplot`; units="cell"
    draws a line for each cell. The axis' own labels are left empty.
    """
    if table.empty:
        return
    labels = axis.xaxis.label, axis.yaxis.label
    for label in labels:
        label.set_text("-")  # seaborn computes all ticks where it writes labels of its own
    markers = {value: look["marker"] for value, look in looks.items() if look["marker"]}
    sns.lineplot(
        table.astype({"cycle": float, y: float}), x="cycle", y=y, ax=axis, legend=False,
        hue=by, hue_order=list(looks), palette={v: look["color"] for v, look in looks.items()},
        style=by if markers else None, markers=markers or None, dashes=False,
        estimator=None, errorbar=None, **EDGES, **style,
    )  # fmt: skip
    for label in labels:
        label.set_text("")
