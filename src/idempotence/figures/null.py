"""Rises that a model shows which does not change, against the threshold of the rule."""

import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.labels import counted, in_order, wrapped
from idempotence.figures.style import FAINT, PAGE_WIDTH, line_looks, new_figure, styled
from idempotence.jobs.parts import Loops

NULLS = {
    "rescored": "replies of cycle 0, drawn anew",
    "resampled_late": "replies of late cycles, drawn anew",
}
LETTERS = 22  # of a line of the legend
HEIGHT, LINES, LINE = 2.7, 10, 0.15  # inches; lines of a legend that fit; a further one, inches


def draw(
    quantiles: pd.DataFrame, rates: pd.DataFrame, points: float, loops: Loops
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    quantiles, rates: see `stats.null_rate.null_rates`; points: the published rule's threshold.
    """
    settings = in_order(rates["setting"], loops)
    looks = line_looks(settings)
    rule = rates[(rates["rule"] == "published") & ~rates["gate"].astype(bool)]
    labels = {null: _labels(rule[rule["null"] == null], settings) for null in NULLS}
    lines = max(sum(1 + text.count("\n") for text in each.values()) for each in labels.values())
    with styled():
        figure = new_figure(PAGE_WIDTH, HEIGHT + LINE * max(lines - LINES, 0))
        figure.set_layout_engine("constrained")
        axes = figure.subplots(1, 2, sharey=True, sharex=True)
        for axis, (null, title) in zip(axes, NULLS.items(), strict=True):
            for setting in settings:
                mine = quantiles[(quantiles["null"] == null) & (quantiles["setting"] == setting)]
                axis.plot(
                    mine["max_delta"], 100 * (1 - mine["quantile"]),
                    color=looks[setting]["color"], label=labels[null][setting],
                )  # fmt: skip
            axis.axvline(points, color=FAINT, linestyle=(0, (4, 2)), linewidth=1)
            axis.set_title(title, loc="left")
            axis.set_xlabel("largest rise over cycle 0 among late cycles, points")
            axis.legend(
                title=f"at least {points:g} points", loc="upper right", frameon=True,
                framealpha=1, edgecolor="none",
            )  # fmt: skip
        axes[0].set_ylabel("share of draws that reach it, %")
        axes[0].set_xlim(-10, max(points * 2.7, 20))  # the legends beyond the threshold
        axes[0].set_ylim(0, 100)
    n, draws = rule["n_chains"], rule["draws"]
    text = (
        "How far a chain seems to rise by chance while nothing changes. Every cycle's replies are "
        "drawn anew, on the left from the chain's replies at cycle 0, on the right from those at "
        f"all its late cycles. A setting has {counted(n, 'chain')}, each with "
        f"{int(draws.max()) if len(draws) else 0} draws. A curve gives the share of draws with at "
        "least the rise on the x axis. The dashed line is the published rule's threshold, and the "
        "legend has the share that reaches it. Chance in training again is not included."
    )
    return figure, quantiles, text


def _labels(rates: pd.DataFrame, settings: list[str]) -> dict[str, str]:
    """Each setting with its share of draws at or beyond the threshold, in lines."""
    labels = {}
    for setting in settings:
        share = rates.loc[rates["setting"] == setting, "null_share"]
        shown = f"{100 * share.iloc[0]:.2g}\u00a0%" if share.notna().any() else "unknown"
        labels[setting] = wrapped(f"{setting}: {shown}", LETTERS)
    return labels
