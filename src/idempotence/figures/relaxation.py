"""Is a cycle a contraction? Rates at which scores come nearer to each other."""

import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.forest import Mark, forest
from idempotence.figures.labels import percent
from idempotence.figures.style import PALETTE

SHOWN = ["setting", "trait", "method", "rate", "ci_low", "ci_high", "n_chains", "n_panels"]


def draw(table: pd.DataFrame, confidence: float) -> tuple[Figure, pd.DataFrame, str]:
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
    figure = forest(marks, (-0.5, 1.6), "rate of a cycle", [0, 1])
    text = (
        "Rate at which a cycle carries differences between scores on to the next (slope of each "
        "cycle's score on the one before, an intercept for each cell): under 1 (right dashed line) "
        f"a contraction, at 0 the past is forgotten. Bar: {percent(confidence)} t interval, "
        "jackknife over panels (a trait and a seed). Noise of the scores pulls the naive rate to "
        "0; the correction may overshoot. Bars cut at an arrow go on; a mark that is missing lies beyond."
    )
    return figure, rows[SHOWN], text
