"""Changes after the first cycle against the bounds within which they count as none."""

import pandas as pd
from matplotlib.figure import Figure

from idempotence.figures.forest import Mark, forest
from idempotence.figures.labels import panels, percent
from idempotence.jobs.parts import Loops

SHOWN = ["setting", "trait", "estimate", "tost_low", "tost_high", "equivalent", "n_panels"]


def draw(table: pd.DataFrame, confidence: float, loops: Loops) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.equivalence.equivalence`; the estimand "slope_total" is drawn, points.
    """
    rows = table[table["estimand"] == "slope_total"]
    bound = float(rows["bound"].iloc[0]) if len(rows) else 0.0
    reach = max(30.0, 4 * bound)
    mark = Mark("estimate", "tost_low", "tost_high", "change", filled="equivalent")
    xlabel = "change from cycle 1 to the last, points"
    figure = forest([(mark, rows)], (-reach, reach), xlabel, [0], loops, band=bound or None)
    return figure, rows[[*SHOWN, "bound"]], caption(rows, bound, confidence)


def caption(rows: pd.DataFrame, bound: float, confidence: float) -> str:
    """What is drawn, over what, with which interval."""
    return (
        "Change of the trait score from cycle 1 to the last cycle, along a fitted line. Each row "
        f"is a trait, the first all traits together. The bar is a {percent(2 * confidence - 1)} t "
        f"interval over {panels(rows['n_panels'], ' per row')}. A change within the grey band, up "
        f"to {bound:g} points either way, counts as none. A mark is filled where its whole bar "
        f"lies within the band. Two one-sided tests at {100 * (1 - confidence):g} % then show that "
        "the change is that small."
    )
