"""What a change of the trait costs in coherence: a point for each chain."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import in_order, percent
from idempotence.figures.style import (
    INK,
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    empty_figure,
    new_figure,
    small_multiples,
    styled,
)
from idempotence.stats.groups import ALL

ACROSS = 3  # settings side by side


def draw(
    changed: pd.DataFrame, slopes: pd.DataFrame, confidence: float
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    changed: see `stats.tradeoff.tradeoff_chains`; slopes: see `stats.tradeoff.tradeoff`.
    """
    numbers = changed[["setting", "model", "trait", "seed", "cell", "trait_change",
                       "coherence_change", "amplified"]]  # fmt: skip
    settings = in_order(changed["setting"])
    text = (
        "Change of coherence on change of the trait score, late cycles less cycle 0, both in "
        f"points; a mark is a chain (n and slope in each title), filled where the trait amplified. Line: least squares over the chains of a setting, with the {percent(confidence)} "
        "interval of its slope (jackknife over panels)."
    )
    with styled():
        if not settings:
            return empty_figure("This study has no chain."), numbers, text
        bands = -(-len(settings) // ACROSS)
        figure = new_figure(PAGE_WIDTH, 2.1 * bands + 0.3)
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(settings), ACROSS, sharex=True, sharey=True)
        traits = sorted(changed["trait"].unique())
        for place, axis in enumerate(axes):
            _draw(axis, changed[changed["setting"] == settings[place]], traits)
            _scale(axis, changed["coherence_change"].max())
            _line(axis, changed, slopes, settings[place])
            axis.tick_params(labelbottom=place + ACROSS >= len(settings))
        figure.supxlabel("change of trait score, points", fontsize=8)
        figure.supylabel("change of coherence, points", fontsize=8)
        _legend(figure, traits)
    return figure, numbers, text


def _look(traits: list[str], trait: str) -> dict:
    i = traits.index(trait)
    return {"color": PALETTE[i % len(PALETTE)], "marker": MARKERS[i % len(MARKERS)]}


def _draw(axis, mine: pd.DataFrame, traits: list[str]) -> None:
    for row in mine.to_dict("records"):
        look = _look(traits, row["trait"])
        face = look["color"] if row["amplified"] is True else "white"
        axis.plot(
            row["trait_change"], row["coherence_change"], linestyle="", **look,
            markerfacecolor=face, markeredgewidth=0.9, markersize=3.8, zorder=3,
        )  # fmt: skip


def _scale(axis, highest: float) -> None:
    """All changes that there can be downwards; upwards as far as there are any."""
    top = np.nanmax([20, highest]) + 5
    axis.set_xlim(-105, 105)
    axis.set_ylim(-105, top)
    axis.set_xticks(range(-100, 101, 50))
    axis.set_yticks(range(-100, int(top), 25))


def _line(axis, changed: pd.DataFrame, slopes: pd.DataFrame, setting: str) -> None:
    mine = changed[changed["setting"] == setting].dropna(
        subset=["trait_change", "coherence_change"]
    )
    row = slopes[
        (slopes["setting"] == setting) & (slopes["trait"] == ALL) & (slopes["cost"] == "coherence")
    ]
    title = f"{setting}, n = {len(mine)}"
    if len(row) and np.isfinite(row["slope"].iloc[0]) and len(mine):
        slope, low, high = (float(row[name].iloc[0]) for name in ("slope", "ci_low", "ci_high"))
        x = np.array([mine["trait_change"].min(), mine["trait_change"].max()])
        y = mine["coherence_change"].mean() + slope * (x - mine["trait_change"].mean())
        axis.plot(x, y, color=INK, linewidth=1.1, zorder=2)
        title += f"\nslope {slope:.2f}"
        if np.isfinite(low):
            title += f" ({low:.2f} to {high:.2f})"
    axis.set_title(title, loc="left")


def _legend(figure: Figure, traits: list[str]) -> None:
    handles = [Line2D([], [], linestyle="", markersize=4, label=t, **_look(traits, t))
               for t in traits]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), borderpad=0)
