"""Changes after the first cycle against the bounds within which they count as none."""

import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.forest import NOTHING, Mark, bars, forest, no_chain
from idempotence.figures.labels import percent
from idempotence.jobs.parts import Loops

SHOWN = ["setting", "trait", "estimate", "tost_low", "tost_high", "equivalent", "n_panels"]
MARK = Mark(
    "estimate", "tost_low", "tost_high", "whole bar within the band", filled="equivalent",
    hollow="bar not within the band",
)  # fmt: skip


def draw(table: pd.DataFrame, confidence: float, loops: Loops) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.equivalence.equivalence`; the estimand "slope_total" is drawn, points.
    """
    rows = table[table["estimand"] == "slope_total"]
    bound = float(rows["bound"].iloc[0]) if len(rows) else 0.0
    reach = max(30.0, 4 * bound)
    xlabel = "change from cycle 1 to the last, points"
    figure = forest([(MARK, rows)], (-reach, reach), xlabel, [0], loops, band=bound or None)
    return figure, rows[[*SHOWN, "bound"]], caption(rows, bound, confidence)


def caption(rows: pd.DataFrame, bound: float, confidence: float) -> str:
    """What is drawn, over what, with which interval."""
    if rows.empty:
        return NOTHING
    text = (
        "Change of the trait score from cycle 1 to the last cycle, along a fitted line. Each row "
        "is a trait, the first all traits together."
        f"{bars(MARK, rows, f'{percent(2 * confidence - 1)} t interval', ' per row')}"
        f" A change within the grey band, up to {bound:g} points either way, counts as none."
    )
    if rows[MARK.low].notna().any():
        text += (
            " A mark is filled where its whole bar lies within the band, which two one-sided tests "
            f"at {100 * (1 - confidence):g} % then show."
        )
    return text + no_chain(rows)
