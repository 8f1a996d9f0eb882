"""Rates at which a cycle brings scores nearer to each other."""

import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.forest import NOTHING, Mark, bars, forest, no_chain
from idempotence.figures.labels import percent
from idempotence.figures.style import PALETTE
from idempotence.jobs.parts import Loops

SHOWN = ["setting", "trait", "method", "rate", "ci_low", "ci_high", "n_chains", "n_panels"]


def draw(table: pd.DataFrame, confidence: float, loops: Loops) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.relaxation.contraction`; rows with an intercept for each cell are drawn.
    """
    rows = table[table["intercepts"] == "cell"]
    marks = [
        (Mark("rate", "ci_low", "ci_high", "naive", "o", PALETTE[0], -0.16),
         rows[rows["method"] == "naive"]),
        (Mark("rate", "ci_low", "ci_high", "corrected for noise", "s", PALETTE[1], 0.16),
         rows[rows["method"] == "corrected"]),
    ]  # fmt: skip
    figure = forest(marks, (-0.5, 1.6), "rate per cycle", [0, 1], loops)
    if rows.empty:
        return figure, rows[SHOWN], NOTHING
    text = (
        "The rate is the slope of a cycle's trait score on the score before, with an intercept for "
        "each model, trait and dose. It is the share of differences between scores that is left a "
        "cycle later. Below 1 (right line) scores come nearer to each other, and at 0 (left line) "
        "no difference is left. Noise pulls the naive rate to 0."
        f"{bars(marks[0][0], rows, f'{percent(confidence)} t interval by jackknife')}"
    )
    return figure, rows[SHOWN], text + no_chain(rows)
