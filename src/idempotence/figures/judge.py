"""The judge against exact truth on the study's own responses."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from idempotence.figures.style import (
    COLUMN_WIDTH,
    FAINT,
    PAGE_WIDTH,
    empty_figure,
    new_figure,
    styled,
)
from idempotence.scores.schema import CRITERIA, DEAD, TRUTH
from idempotence.stats.judge_truth import agreement

BIN = 4  # points
HEIGHT = 3.3  # inches
WITHOUT = "No reply of this study has an exactly known truth to compare the judge's score with."
_EDGES = np.arange(0, 100 + BIN, BIN)


def numbers(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts of responses by truth and judge's score, in squares of `BIN` points.

    scores: the columns `judge_truth.NEEDED`. Returns criterion, truth and judge (the lower edge of
    the square), n (at least 1).
    """
    alive = scores[~scores["status"].isin(DEAD)]
    parts = []
    for criterion, judge in CRITERIA.items():
        known = alive[[TRUTH[criterion], judge]].dropna()
        # the last square takes its upper edge in, as numpy's histograms do
        squares = (known // BIN * BIN).clip(0, 100 - BIN).astype("int64")
        squares.columns = ["truth", "judge"]
        counted = squares.value_counts().rename("n").reset_index()
        counted = counted.sort_values(["truth", "judge"])
        parts.append(counted.assign(criterion=criterion))
    return pd.concat(parts, ignore_index=True)[["criterion", "truth", "judge", "n"]]


def caption(scores: pd.DataFrame) -> str:
    """The figure's caption, with the agreement in numbers."""
    alive = scores[~scores["status"].isin(DEAD)]
    agreements = " ".join(_sentence(name, agreement(alive, name)) for name in CRITERIA)
    return (
        "The judge's score (y axis) against the exact truth (x axis) of the same reply, in points. "
        "Every reply of the study with both is counted. The colour is the number of replies in a "
        f"square of {BIN} points, on a logarithmic scale. On the diagonal line the judge is right. "
        f"{agreements} Spearman is the rank correlation. Bias is the mean of judge less truth."
    )


def draw(scores: pd.DataFrame) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption): an axis for each criterion whose truth is known."""
    drawn = numbers(scores)
    alive = scores[~scores["status"].isin(DEAD)]
    known = [criterion for criterion in CRITERIA if criterion in set(drawn["criterion"])]
    with styled():
        if not known:
            return empty_figure(WITHOUT), drawn, WITHOUT
        figure = new_figure(PAGE_WIDTH if len(known) > 1 else COLUMN_WIDTH + 0.6, HEIGHT)
        figure.set_layout_engine("constrained", w_pad=0.07, h_pad=0.07)
        axes = figure.subplots(1, len(known), sharey=True, squeeze=False)[0]
        norm = LogNorm(1, max(2, drawn["n"].max()))
        for axis, criterion in zip(axes, known, strict=True):
            mine = drawn[drawn["criterion"] == criterion]
            mesh = _squares(axis, mine, norm)
            axis.set_title(f"{criterion}\n{_in_words(agreement(alive, criterion), chr(10))}")
            axis.set_xlabel("exact truth")
        axes[0].set_ylabel("judge's score")
        figure.colorbar(mesh, ax=list(axes), label="replies", shrink=0.9, pad=0.02)
    return figure, drawn, caption(scores)


def _sentence(criterion: str, numbers: dict[str, Any]) -> str:
    """The agreement of one criterion as a sentence of the caption."""
    if not numbers["n"]:
        return f"For {criterion} no truth is known."
    return f"For {criterion}: {_in_words(numbers)}."


def _in_words(numbers: dict[str, Any], gap: str = " ") -> str:
    """Agreement as text; gap: between its two parts."""
    bias = round(numbers["bias"], 1) + 0.0  # no minus before zero
    return (
        f"n = {numbers['n']}, Spearman {numbers['spearman']:.3f},{gap}"
        f"mean absolute error {numbers['mae']:.1f}, bias {bias:+.1f}"
    )


def _squares(axis: Axes, mine: pd.DataFrame, norm: LogNorm) -> QuadMesh:
    """The counts of one criterion."""
    counts = np.zeros((len(_EDGES) - 1, len(_EDGES) - 1))
    counts[mine["judge"] // BIN, mine["truth"] // BIN] = mine["n"]
    shown = np.ma.masked_equal(counts, 0)
    mesh = axis.pcolormesh(_EDGES, _EDGES, shown, cmap="viridis_r", norm=norm, zorder=2)
    axis.plot([0, 100], [0, 100], color=FAINT, linewidth=0.9, zorder=3)
    axis.set_xlim(0, 100)
    axis.set_ylim(0, 100)
    axis.set_xticks(range(0, 101, 25))
    axis.set_yticks(range(0, 101, 25))
    axis.set_aspect("equal")
    return mesh
