"""What stops an amplification: effects of changes on the peak and on coherence."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.forest import Mark, add_legend, bars, draw_marks, dress
from idempotence.figures.labels import in_order, percent, wrapped
from idempotence.figures.style import FAINT, PAGE_WIDTH, PALETTE, empty_figure, new_figure, styled
from idempotence.jobs.parts import Loops
from idempotence.stats.defences import COSTS, LEAST_COST
from idempotence.stats.groups import ALL

LIMITS = ("ci_low", "ci_high")
SHOWN = ["setting", "twin", "changes", "measure", "estimate", *LIMITS, "n_panels", "n_chains",
         *(f"{cost}_more" for cost in COSTS)]  # fmt: skip
COLUMNS = {  # label of an axis -> measure -> its mark
    "effect on the peak, points": {
        "peak_delta": Mark("estimate", *LIMITS, "peak of the trait", "o", PALETTE[0]),
    },
    "effect on coherence, points": {
        "coherence_at_peak": Mark("estimate", *LIMITS, "coherence at the peak", "D", PALETTE[2],
                                  -0.16),
        "coherence_last": Mark("estimate", *LIMITS, "coherence at the last cycle", "s", PALETTE[1],
                               0.16),
    },
}  # fmt: skip
LETTERS = 34  # of a line of a label
LINE, GAP = 0.125, 0.1  # inches: a line of a label; between labels
HEAD, FOOT = 0.3, 0.75  # inches: title of an axis; ticks, labels and legend
LEAST_REACH = 10.0  # points
WITHOUT = "This study has no two chains to compare, one with a change of the loop and one without."


def draw(table: pd.DataFrame, confidence: float, loops: Loops) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.defences.defences`; its rows of all traits are drawn, a band of axes for each
    twin.
    """
    rows = table[(table["trait"] == ALL) & (table["measure"] != "")]
    twins = in_order(rows["twin"], loops)
    with styled():
        if not twins:
            return empty_figure(WITHOUT), rows[SHOWN], WITHOUT
        labels = {twin: _labels(rows[rows["twin"] == twin]) for twin in twins}
        heights = [HEAD + sum(map(_height, own.values())) for own in labels.values()]
        figure = new_figure(PAGE_WIDTH, sum(heights) + FOOT)
        figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.05)
        axes = figure.subplots(
            len(twins), len(COLUMNS), squeeze=False, sharex="col", height_ratios=heights
        )
        for column, (xlabel, marks) in enumerate(COLUMNS.items()):
            limits = _limits(rows[rows["measure"].isin(marks)])
            for band, twin in enumerate(twins):
                axis, own = axes[band, column], rows[rows["twin"] == twin]
                axis.axvline(0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
                for measure, mark in marks.items():
                    of_mark = own[own["measure"] == measure]
                    draw_marks(axis, mark, of_mark, list(labels[twin]), limits, "setting")
                title = f"changes of {twin}" if column == 0 else ""
                dress(axis, title, list(labels[twin].values()), limits)
                axis.tick_params(labelleft=column == 0, labelbottom=band == len(twins) - 1)
            axes[-1, column].set_xlabel(xlabel)
        kinds = [kind for marks in COLUMNS.values() for kind in marks.items()]
        add_legend(figure, [(mark, rows[rows["measure"] == name]) for name, mark in kinds])
    return figure, rows[SHOWN], caption(rows, confidence)


def _labels(rows: pd.DataFrame) -> dict[str, str]:
    """Setting -> what it changes, and which costs are higher."""
    first = rows.drop_duplicates("setting").to_dict("records")
    return {row["setting"]: "\n".join([wrapped(row["changes"], LETTERS), *_costs(row)])
            for row in first}  # fmt: skip


def _costs(row: dict[Any, Any]) -> list[str]:
    """A line with the costs that are higher, where there are any."""
    more = {cost.replace("_", " "): row[f"{cost}_more"] for cost in COSTS}
    higher = [f"{cost} +{value:.0f} %" for cost, value in more.items() if value >= LEAST_COST]
    return [wrapped(f"({', '.join(higher)})", LETTERS)] if higher else []


def _height(label: str) -> float:
    return GAP + LINE * max(2, label.count("\n") + 1)


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """An axis about 0 that holds all estimates and intervals, of at most 100 points."""
    sizes = np.nan_to_num(rows[["estimate", *LIMITS]].abs().to_numpy(float))
    reach = min(100.0, float(10 * np.ceil(sizes.max(initial=LEAST_REACH) / 10)))
    return -reach, reach


def caption(rows: pd.DataFrame, confidence: float) -> str:
    """What is drawn, over what, with which interval."""
    mark = COLUMNS["effect on the peak, points"]["peak_delta"]
    return (
        "Each mark is the mean difference between chains with a change of the loop and chains "
        "without it. Chains are paired by model, trait and seed, and by dose unless that is the "
        "change. The left axes show the peak, the largest rise of the trait score while coherent. "
        "The right axes show coherence. On the dashed line a change has no effect. Brackets name "
        f"costs that are {LEAST_COST:g} % higher or more."
        f"{bars(mark, rows, f'{percent(confidence)} t interval', ' per mark')}"
    )
