"""Rises that a model shows which does not change, against the threshold of the rule."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from idempotence.figures.labels import counted, in_order, wrapped
from idempotence.figures.style import (
    FAINT,
    MARKERS,
    PAGE_WIDTH,
    line_looks,
    new_figure,
    styled,
)
from idempotence.jobs.parts import Loops

NULLS = {
    "rescored": "replies of cycle 0, drawn anew",
    "resampled_late": "replies of late cycles, drawn anew",
}
STYLES = ["-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.2, 1.2, 1.2))]  # of lines, in turn
MARKED = 4  # marks on a curve
LETTERS = 22  # of a line of the legend
HEIGHT, LINES, LINE = 2.7, 12, 0.15  # inches; lines of a legend that fit; a further one, inches
ROOM = 1.0  # points between the data and an axis' end


def draw(
    quantiles: pd.DataFrame, rates: pd.DataFrame, points: float, loops: Loops
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    quantiles, rates: see `stats.null_rate.null_rates`; points: the published rule's threshold.
    """
    settings = in_order(rates["setting"], loops)
    rule = rates[(rates["rule"] == "published") & ~rates["gate"].astype(bool)]
    labels = _labels(rule, settings)
    lines = sum(1 + label.count("\n") for label in labels)
    with styled():
        figure = new_figure(PAGE_WIDTH, HEIGHT + LINE * max(lines - LINES, 0))
        figure.set_layout_engine("constrained")
        axes = figure.subplots(1, 2, sharey=True, sharex=True)
        for axis, (null, title) in zip(axes, NULLS.items(), strict=True):
            _curves(axis, quantiles[quantiles["null"] == null], settings)
            axis.axvline(points, color=FAINT, linestyle=(0, (4, 2)), linewidth=1)
            axis.set_title(title, loc="left")
            axis.set_xlabel("largest rise over cycle 0\namong late cycles, points")
        axes[0].set_ylabel("share of draws that reach it, %")
        reached = quantiles["max_delta"].dropna()
        axes[0].set_xlim(min([0.0, *reached]) - ROOM, max([points, *reached]) + ROOM)
        axes[0].set_ylim(0, 100)
        figure.legend(
            axes[0].lines[: len(settings)], labels, loc="outside right upper", handlelength=4,
            title=f"share of draws with\n{points:g} points or more,\nleft, right", alignment="left",
        )  # fmt: skip
    n, draws = rule["n_chains"], rule["draws"]
    text = (
        "How far a chain seems to rise by chance while nothing changes. Every cycle's replies are "
        "drawn anew, on the left from the chain's replies at cycle 0, on the right from those at "
        f"all its late cycles. A setting has {counted(n, 'chain')}, each with "
        f"{int(draws.max()) if len(draws) else 0} draws. A curve gives the share of draws with at "
        "least the rise on the x axis. The upright line is the published rule's threshold, and "
        "the legend has the share that reaches it, on the left and on the right. Chance in "
        "training again is not included."
    )
    return figure, quantiles, text


def _curves(axis: Axes, quantiles: pd.DataFrame, settings: list[str]) -> None:
    """A curve for each setting: they lie on each other, so each has its dashes and its marks."""
    looks = line_looks(settings)
    for place, setting in enumerate(settings):
        mine = quantiles[quantiles["setting"] == setting]
        step = max(len(mine) // MARKED, 1)
        axis.plot(
            mine["max_delta"], 100 * (1 - mine["quantile"]), color=looks[setting]["color"],
            linestyle=STYLES[place % len(STYLES)], marker=MARKERS[place % len(MARKERS)],
            markevery=(place * step // len(settings), step),
        )  # fmt: skip


def _labels(rates: pd.DataFrame, settings: list[str]) -> list[str]:
    """Each setting with its shares of draws at or beyond the threshold, in lines."""
    labels = []
    for setting in settings:
        mine = rates[rates["setting"] == setting]
        shares = [_share(mine.loc[mine["null"] == null, "null_share"]) for null in NULLS]
        labels.append(wrapped(f"{setting}: {', '.join(shares)}", LETTERS))
    return labels


def _share(share: pd.Series) -> str:
    return f"{100 * share.iloc[0]:.2g}\u00a0%" if share.notna().any() else "unknown"
