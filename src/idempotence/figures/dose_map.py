"""Heat maps of how far a trait rose, over the two doses; verdicts that flip are outlined."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from idempotence.errors import UserError
from idempotence.figures.labels import between, setting_title
from idempotence.figures.style import (
    INK,
    NO_DOSES,
    PAGE_WIDTH,
    empty_figure,
    new_figure,
    no_doses,
    small_multiples,
    styled,
)
from idempotence.stats.dose import dose_axes

COLORS = "PuOr_r"  # diverging, and told apart by colour-blind readers
REACH = 100.0  # points at the ends of the scale
NAMES = {"level": "seeded to", "n_seed": "seed rows", "n_sampled": "samples a cycle",
         "beta": "β", "pairs": "pairs a cycle"}  # fmt: skip
ACROSS = 4


def numbers(chains: pd.DataFrame, setting: str) -> pd.DataFrame:
    """One row for each trait and dose: mean over seeds of the largest late rise.

    chains: see `stats.amplification.chains`. Returns trait, the setting's two doses (none where its cells have
    not two in common), max_delta
    (points), n_seeds (with a verdict) and n_amplified. Raises `UserError` for a setting that the
    table lacks.
    """
    mine = chains[chains["setting"] == setting]
    if mine.empty:
        raise UserError(f"the table of chains has no setting '{setting}'")
    pair = list(dose_axes(mine) or [])
    known = mine[mine["amplified"].notna()].astype({"amplified": bool})
    grouped = known.groupby(["trait", *pair])
    made = grouped["max_delta"].mean().to_frame()
    made["n_seeds"], made["n_amplified"] = grouped.size(), grouped["amplified"].sum()
    return made.reset_index()


def draw(chains: pd.DataFrame, setting: str) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption); arguments as for `numbers`."""
    drawn = numbers(chains, setting)
    axes = dose_axes(chains[chains["setting"] == setting])
    if axes is None:
        return no_doses(), drawn, f"{setting_title(setting)}. {NO_DOSES}"
    first, second = axes
    traits = sorted(drawn["trait"].unique())
    rows, columns = sorted(drawn[first].unique()), sorted(drawn[second].unique())
    text = (
        f"{setting_title(setting)}. Largest rise of the trait score over cycle 0 among the late "
        "cycles, points, for each dose: mean over "
        f"{between(drawn['n_seeds'])} seed(s), and below it how many of them amplified by the "
        "published rule, where there are several. Thick lines part neighbouring doses that differ "
        "in how many seeds amplified."
    )
    with styled():
        if drawn.empty:
            told = "No chain of this setting has a verdict: the study is too short for the rule."
            return empty_figure(told), drawn, text
        across = min(ACROSS, len(traits))
        bands = -(-len(traits) // across)
        figure = new_figure(PAGE_WIDTH, bands * (0.55 + 0.32 * len(rows)) + 0.5)
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(traits), across)
        norm = Normalize(-REACH, REACH)
        for place, axis in enumerate(axes):
            _map(axis, drawn[drawn["trait"] == traits[place]], first, second, rows, columns, norm)
            axis.set_title(traits[place])
            axis.tick_params(labelleft=place % across == 0, length=0)
        figure.supxlabel(NAMES[second], fontsize=8)
        figure.supylabel(NAMES[first], fontsize=8)
        scale = matplotlib.cm.ScalarMappable(norm, COLORS)
        figure.colorbar(scale, ax=axes, label="largest late\nrise, points",
                        aspect=30, pad=0.01)  # fmt: skip
    return figure, drawn, text


def _map(axis: Axes, mine: pd.DataFrame, first, second, rows, columns, norm) -> None:
    """One trait's map, cell by cell, with the borders of flips."""
    at = mine.set_index([first, second])
    colors = matplotlib.colormaps[COLORS]
    amplified = np.full((len(rows), len(columns)), np.nan)
    for i, a in enumerate(rows):
        for j, b in enumerate(columns):
            if (a, b) not in at.index:
                continue
            cell = at.loc[(a, b)]
            amplified[i, j] = cell["n_amplified"] / cell["n_seeds"]
            color = colors(norm(cell["max_delta"]))
            axis.fill_between([j - 0.5, j + 0.5], i - 0.5, i + 0.5, color=color, linewidth=0)
            told = f"{round(cell['max_delta'])}"
            if cell["n_seeds"] > 1:
                told += f"\n{cell['n_amplified']:.0f}/{cell['n_seeds']:.0f}"
            bright = np.dot(color[:3], (0.3, 0.59, 0.11)) > 0.5
            axis.text(j, i, told, ha="center", va="center", fontsize=6, linespacing=0.95,
                      color=INK if bright else "white")  # fmt: skip
    _borders(axis, amplified)
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(-0.5, len(rows) - 0.5)
    axis.set_xticks(range(len(columns)), [f"{v:g}" for v in columns])
    axis.set_yticks(range(len(rows)), [f"{v:g}" for v in rows])
    axis.grid(visible=False)


def _borders(axis: Axes, amplified: np.ndarray) -> None:
    """Lines between neighbours with different shares of amplified seeds."""
    for i, j in np.ndindex(*amplified.shape):
        for di, dj in ((1, 0), (0, 1)):
            k, m = i + di, j + dj
            if k >= amplified.shape[0] or m >= amplified.shape[1]:
                continue
            if np.isfinite(amplified[[i, k], [j, m]]).all() and amplified[i, j] != amplified[k, m]:
                ends = (
                    ([j - 0.5, j + 0.5], [k - 0.5] * 2)
                    if di
                    else ([m - 0.5] * 2, [i - 0.5, i + 0.5])
                )
                axis.plot(*ends, color=INK, linewidth=1.8, solid_capstyle="butt")
