"""Change of coherence on change of the trait score: a point for each chain."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import in_order, panels, percent, wrapped
from idempotence.figures.style import (
    INK,
    MARKERS,
    PAGE_WIDTH,
    PALETTE,
    Look,
    empty_figure,
    new_figure,
    small_multiples,
    styled,
)
from idempotence.jobs.parts import Loops
from idempotence.stats.groups import ALL

ACROSS = 3  # settings side by side
LINE, LETTERS = 0.13, 32  # a further line of a title, inches; letters of a line


def draw(
    changed: pd.DataFrame, slopes: pd.DataFrame, confidence: float, loops: Loops
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    changed: see `stats.tradeoff.tradeoff_chains`; slopes: see `stats.tradeoff.tradeoff`.
    """
    numbers = changed[["setting", "model", "trait", "seed", "cell", "trait_change",
                       "coherence_change", "amplified"]]  # fmt: skip
    settings = in_order(changed["setting"], loops)
    n_panels = slopes.loc[(slopes["trait"] == ALL) & (slopes["cost"] == "coherence"), "n_panels"]
    text = (
        "Change of coherence (y axis) against change of the trait score (x axis), from cycle 0 to "
        "the mean of the late cycles. A mark is one of n chains. It is filled where the chain "
        "amplified. Colour and shape show the trait. The line is a least-squares fit to all chains "
        f"of a setting. Its slope is in the title, with the {percent(confidence)} t interval by "
        f"jackknife over {panels(n_panels)}. A slope below 0 means that gaining the trait goes "
        "with losing coherence."
    )
    with styled():
        if not settings:
            return empty_figure("This study has no chain."), numbers, text
        bands = -(-len(settings) // ACROSS)
        titles = [_title(changed, slopes, setting) for setting in settings]
        more = max(title.count("\n") for title in titles) - 1  # two lines have their place
        figure = new_figure(PAGE_WIDTH, (2.1 + LINE * max(more, 0)) * bands + 0.3)
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(settings), ACROSS, sharex=True, sharey=True)
        traits = sorted(changed["trait"].unique())
        for place, axis in enumerate(axes):
            _draw(axis, changed[changed["setting"] == settings[place]], traits)
            _scale(axis, changed["coherence_change"].max())
            _line(axis, changed, slopes, settings[place])
            axis.set_title(titles[place], loc="left")
            axis.tick_params(labelbottom=place + ACROSS >= len(settings))
        figure.supxlabel("change of trait score, points", fontsize=8)
        figure.supylabel("change of coherence, points", fontsize=8)
        _legend(figure, traits)
    return figure, numbers, text


def _look(traits: list[str], trait: str) -> Look:
    """Colour and marker of a trait; no two traits look alike."""
    i = traits.index(trait)
    return Look(color=PALETTE[i % len(PALETTE)], marker=MARKERS[i % len(MARKERS)])


def _draw(axis: Axes, mine: pd.DataFrame, traits: list[str]) -> None:
    """The chains of one setting."""
    for row in mine.to_dict("records"):
        look = _look(traits, row["trait"])
        face = look["color"] if row["amplified"] is True else "white"
        axis.plot(
            row["trait_change"], row["coherence_change"], linestyle="", **look,
            markerfacecolor=face, markeredgewidth=0.9, markersize=3.8, zorder=3,
        )  # fmt: skip


def _scale(axis: Axes, highest: float) -> None:
    """All changes that there can be downwards; upwards as far as there are any."""
    top = np.nanmax([20, highest]) + 5
    axis.set_xlim(-105, 105)
    axis.set_ylim(-105, top)
    axis.set_xticks(range(-100, 101, 50))
    axis.set_yticks(range(-100, int(top), 25))


def _known(changed: pd.DataFrame, setting: str) -> pd.DataFrame:
    """A setting's chains with both changes."""
    mine = changed[changed["setting"] == setting]
    return mine.dropna(subset=["trait_change", "coherence_change"])


def _slope(slopes: pd.DataFrame, setting: str) -> tuple[float, float, float]:
    """Slope of coherence over all traits with its interval; NaN where there is none."""
    mine = slopes[
        (slopes["setting"] == setting) & (slopes["trait"] == ALL) & (slopes["cost"] == "coherence")
    ]
    if mine.empty:
        return np.nan, np.nan, np.nan
    slope, low, high = (float(mine[name].iloc[0]) for name in ("slope", "ci_low", "ci_high"))
    return slope, low, high


def _title(changed: pd.DataFrame, slopes: pd.DataFrame, setting: str) -> str:
    """Name, number of chains and slope of a setting."""
    n, (slope, low, high) = len(_known(changed, setting)), _slope(slopes, setting)
    title = wrapped(f"{setting}, n = {n}", LETTERS)
    if n and np.isfinite(slope):
        title += f"\nslope {slope:.2f}"
        if np.isfinite(low):
            title += f" ({low:.2f} to {high:.2f})"
    return title


def _line(axis: Axes, changed: pd.DataFrame, slopes: pd.DataFrame, setting: str) -> None:
    """The line of least squares, as far as there are chains."""
    mine, (slope, _, _) = _known(changed, setting), _slope(slopes, setting)
    if len(mine) and np.isfinite(slope):
        x = np.array([mine["trait_change"].min(), mine["trait_change"].max()])
        y = mine["coherence_change"].mean() + slope * (x - mine["trait_change"].mean())
        axis.plot(x, y, color=INK, linewidth=1.1, zorder=2)


def _legend(figure: Figure, traits: list[str]) -> None:
    """The traits."""
    handles = [
        Line2D([], [], linestyle="", markersize=4, label=trait, **_look(traits, trait))
        for trait in traits
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), borderpad=0)
