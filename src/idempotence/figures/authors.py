"""The authors' own chains in grey behind a study's, where recipe and trait are the same."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from idempotence.figures.labels import MEASURES
from idempotence.jobs.parts import Loop

KIND = "authors"  # of their rows among a figure's numbers
COLOR = "#9A9A9A"
_LINE: dict[str, Any] = {"color": COLOR, "linewidth": 0.7, "marker": ".", "markersize": 3.5}


def fitting(authors: pd.DataFrame, loop: Loop, table: pd.DataFrame) -> pd.DataFrame:
    """Their chains of a setting's recipe, and of traits that its table has.

    authors: see `published.series.load_chains`; table: rows with the column trait. No row for a
    setting that changes anything of its objective's section.
    """
    same = (authors["objective"] == loop.objective) & (authors["start"] == loop.start)
    return authors[same & authors["trait"].isin(table["trait"]) & (loop.changes == "")]


def marks(chains: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Rows of a figure's numbers: kind, measure, model, trait, cell, cycle, mean (points)."""
    known = chains[chains[measure].notna()].rename(columns={measure: "mean"})
    columns = ["model", "trait", "cell", "cycle", "mean"]
    return known[columns].assign(kind=KIND, measure=measure)


def draw_authors(axis: Axes, mine: pd.DataFrame) -> None:
    """Draw the marks among the numbers of one measure and trait: a line for each chain."""
    theirs = mine[mine["kind"] == KIND].sort_values("cycle")
    for _, chain in theirs.groupby(["model", "cell"]):
        cycles = chain["cycle"].to_numpy(float)
        axis.plot(cycles, chain["mean"], **_LINE, zorder=1.4, clip_on=False)


def handles(chains: pd.DataFrame) -> list[Line2D]:
    """Their entry of a legend, if they have any chain."""
    return (
        [Line2D([], [], **_LINE, label=f"authors' runs ({_count(chains)})")] if len(chains) else []
    )


def sentence(chains: pd.DataFrame) -> str:
    """What a caption says of them; empty without any chain."""
    if chains.empty:
        return ""
    unknown = [name for key, name in MEASURES.items() if chains[key].isna().all()]
    lacking = f", {' and '.join(unknown)} not known" if unknown else ""
    models, traits = (", ".join(sorted(chains[name].unique())) for name in ("model", "trait"))
    return (
        f" Grey lines are the authors' public runs of {models} on {traits} ({_count(chains)}, no "
        f"interval{lacking}). Their model, prompts and judge differ, so compare shapes, not "
        "heights."
    )


def _count(chains: pd.DataFrame) -> str:
    n = chains[["model", "trait", "cell"]].drop_duplicates().shape[0]
    return "n = 1 chain" if n == 1 else f"n = {n} chains"
