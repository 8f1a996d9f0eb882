"""Change of coherence on change of the trait score: a point for each chain."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idempotence.figures.labels import counted, in_order, panels, percent, wrapped
from idempotence.figures.style import (
    FAINT,
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
LEAST_SPAN, ROOM = 20.0, 0.07  # of an axis: points; a share of its span beyond the data
IN_A_ROW = 6  # entries of the legend
UNKNOWN = "slope not known"


def draw(
    changed: pd.DataFrame, slopes: pd.DataFrame, confidence: float, loops: Loops
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    changed: see `stats.tradeoff.tradeoff_chains`; slopes: see `stats.tradeoff.tradeoff`.
    """
    numbers = changed[["setting", "model", "trait", "seed", "cell", "trait_change",
                       "coherence_change", "amplified"]]  # fmt: skip
    settings = in_order(changed["setting"], loops)
    with styled():
        if not settings:
            return empty_figure("This study has no chain."), numbers, "This study has no chain."
        bands = -(-len(settings) // ACROSS)
        titles = [_title(changed, slopes, setting) for setting in settings]
        more = max(title.count("\n") for title in titles) - 1  # two lines have their place
        figure = new_figure(PAGE_WIDTH, (2.1 + LINE * max(more, 0)) * bands + 0.3)
        figure.set_layout_engine("constrained")
        axes = small_multiples(figure, len(settings), ACROSS, sharex=True, sharey=True)
        traits = sorted(changed["trait"].unique())
        for place, axis in enumerate(axes):
            _draw(axis, changed[changed["setting"] == settings[place]], traits)
            _scale(axis, _known(changed))
            _line(axis, changed, slopes, settings[place])
            axis.set_title(titles[place], loc="left")
            axis.tick_params(labelbottom=place + ACROSS >= len(settings))
        figure.supxlabel("change of trait score, points", fontsize=8)
        figure.supylabel("change of coherence, points", fontsize=8)
        _legend(figure, changed, traits)
    return figure, numbers, caption(slopes, any(UNKNOWN in title for title in titles), confidence)


def caption(slopes: pd.DataFrame, some_unknown: bool, confidence: float) -> str:
    """What is drawn, over what, with which interval; some_unknown: a setting has no slope."""
    text = (
        "Change of coherence (y axis) against change of the trait score (x axis), from cycle 0 to "
        "the mean of the late cycles. A mark is one chain, filled where it amplified. Colour and "
        "shape show the trait. The line is a least-squares fit to all chains of a setting. A slope "
        "below 0 means that gaining the trait goes with losing coherence."
    )
    mine = slopes[(slopes["trait"] == ALL) & (slopes["cost"] == "coherence")]
    n_panels = mine.loc[mine["ci_low"].notna(), "n_panels"]
    if len(n_panels):
        text += (
            f" After the slope stands its {percent(confidence)} t interval by jackknife over "
            f"{panels(n_panels)}."
        )
    if some_unknown:
        text += (
            " A slope is not known for fewer than three chains, or where the trait changed alike "
            "in all."
        )
    return text


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


def _scale(axis: Axes, known: pd.DataFrame) -> None:
    """Both axes as far as there are changes, and with 0."""
    axis.set_xlim(*_limits(known["trait_change"]))
    axis.set_ylim(*_limits(known["coherence_change"]))
    for line in (axis.axhline, axis.axvline):
        line(0, color=FAINT, linewidth=0.6, zorder=1)
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _limits(changes: pd.Series) -> tuple[float, float]:
    """From the least to the greatest change and 0, over `LEAST_SPAN` at least."""
    low, high = min([0.0, *changes]), max([0.0, *changes])
    span = max(high - low, LEAST_SPAN)
    more = (span - (high - low)) / 2 + ROOM * span
    return low - more, high + more


def _known(changed: pd.DataFrame) -> pd.DataFrame:
    """The chains with both changes."""
    return changed.dropna(subset=["trait_change", "coherence_change"])


def _of(changed: pd.DataFrame, setting: str) -> pd.DataFrame:
    """A setting's chains with both changes."""
    return _known(changed[changed["setting"] == setting])


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
    n = counted([len(_of(changed, setting))], "chain")
    return f"{wrapped(f'{setting}, n = {n}', LETTERS)}\n{_slope_in_words(*_slope(slopes, setting))}"


def _slope_in_words(slope: float, low: float, high: float) -> str:
    """A slope with its interval in words."""
    if not np.isfinite(slope):
        return UNKNOWN
    slope, low, high = (round(value, 2) + 0.0 for value in (slope, low, high))  # no -0.00
    if not np.isfinite(low):
        return f"slope {slope:.2f}, no interval"
    return f"slope {slope:.2f} ({low:.2f} to {high:.2f})"


def _line(axis: Axes, changed: pd.DataFrame, slopes: pd.DataFrame, setting: str) -> None:
    """The line of least squares above the marks, as far as there are chains."""
    mine, (slope, _, _) = _of(changed, setting), _slope(slopes, setting)
    if len(mine) and np.isfinite(slope):
        x = np.array([mine["trait_change"].min(), mine["trait_change"].max()])
        y = mine["coherence_change"].mean() + slope * (x - mine["trait_change"].mean())
        axis.plot(x, y, color=INK, linewidth=1.1, zorder=4)


def _legend(figure: Figure, changed: pd.DataFrame, traits: list[str]) -> None:
    """The traits, and what filled and open marks are."""
    unknown = _known(changed)["amplified"].isna().any()
    hollow = "not amplified, or not known" if unknown else "not amplified"
    handles = [
        Line2D([], [], linestyle="", markersize=4, label=trait, **_look(traits, trait))
        for trait in traits
    ] + [
        Line2D([], [], linestyle="", marker="o", markersize=4, label=label, color=INK,
               markerfacecolor=face)
        for label, face in (("amplified", INK), (hollow, "white"))
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside upper right", ncols=min(len(handles), IN_A_ROW), borderpad=0
    )
