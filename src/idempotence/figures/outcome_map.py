"""Heat maps of rises and outcomes over learning rates, temperatures and doses."""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from idempotence.figures.labels import STARTS, between, level_note, panels, wrapped
from idempotence.figures.style import INK, PAGE_WIDTH, empty_figure, new_figure, styled
from idempotence.objectives import OBJECTIVES
from idempotence.stats.groups import ALL
from idempotence.stats.outcome_map import OUTCOMES

COLORS = "PuOr_r"  # diverging; colour-blind readers see the difference
NOTHING = "#D9D9D9"  # colour of a square without a coherent cycle
LEAST_REACH = 15  # points at the ends of the scale, at least
GLYPHS = dict(zip(OUTCOMES, "↓=↑×", strict=True))
UNKNOWN = "?"
LABELS = {"learning_rate": "learning rate", "temperature": "temperature", "level": "seeded to",
          "n_seed": "seed rows", "n_sampled": "samples per cycle", "beta": "β",
          "pairs": "pairs per cycle", "cell": "cell"}  # fmt: skip
# columns that make the rows and the columns of an objective's map, by whether it trains on pairs
AXES = {False: (["learning_rate", "level", "n_seed"], ["n_sampled", "temperature"]),
        True: (["learning_rate", "temperature"], ["beta", "pairs"])}  # fmt: skip
OF_AXES = ("training.learning_rate ", "generation.temperature ")  # changes that are axes
NARROW, WIDE = 8, 9  # columns that a map has place for; with more it takes the page's width
LOWEST = 1.7  # inches: a figure's height, at least
ROW, MARGINS, LINE = 0.27, 0.85, 0.13  # inches: a row; ticks, label and title; a line of text
LETTER = 0.055  # inches: of a cell's name, which stands upright
LETTERS = {1: 100, 2: 44}  # of a title's line, by the number of maps side by side
SHOWN = ["setting", "cell", "learning_rate", "temperature", "level", "n_seed", "n_sampled", "beta",
         "pairs", "n_chains", "n_undecided", "n_panels", "peak_delta", "ci_low", "ci_high",
         *(f"share_{name}" for name in OUTCOMES), "published"]  # fmt: skip


@dataclass(frozen=True)
class _Map:
    """A map: its rows of the table, the columns that are its axes, and its title."""

    rows: pd.DataFrame
    down: list[str]
    across: list[str]
    title: str

    def keys(self, names: list[str]) -> list[tuple[Any, ...]]:
        """The places along an axis, in order."""
        return sorted(set(self.rows[names].itertuples(index=False, name=None)))


def draw(table: pd.DataFrame, peak_coherence: float) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.outcome_map.outcome_map`; rows of all traits together are drawn.
    peak_coherence: least coherence at which a rise counts, points.
    """
    rows = _with_outcomes(table[table["trait"] == ALL])
    published = {name: each.published for name, each in OBJECTIVES.items()}
    plain = (rows["changes"] == "") & (rows["start"] == rows["objective"].map(published))
    rows = rows.assign(published=plain)
    text = caption(rows, peak_coherence)
    with styled():
        if rows.empty:
            return empty_figure("This study has no chain, so there is no map."), rows[SHOWN], text
        return _figure(_maps(rows)), rows[SHOWN], text


def caption(rows: pd.DataFrame, peak_coherence: float) -> str:
    """What is drawn, over what."""
    glyphs = ", ".join(f"{glyph} {name}" for name, glyph in GLYPHS.items())
    n_panels = rows.loc[rows["peak_delta"].notna(), "n_panels"]
    doses = [name for name in ("level",) if rows[name].notna().any()]
    return (
        "Colour and number are the peak, the largest rise of the trait score over cycle 0 at a "
        f"coherence of at least {peak_coherence:g}. A square is a setting's dose, mean "
        f"over {panels(n_panels)}. The sign is the commonest outcome of its n = "
        f"{between(rows['n_chains'])} chains: {glyphs}, {UNKNOWN} unknown. Two signs mean a "
        "tie. The table has t intervals. Grey squares have no coherent later cycle. Framed squares "
        "have the paper's start and no change of the loop."
        f"{level_note(doses)}"
    )


def _with_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of settings of whose chains at least half have an outcome; all rows if none has."""
    sums = rows.groupby("setting")[["n_undecided", "n_chains"]].sum()
    long = sums.index[sums["n_undecided"] <= sums["n_chains"] / 2]
    return rows[rows["setting"].isin(long)] if len(long) else rows


def _maps(rows: pd.DataFrame) -> list[_Map]:
    """A map for each objective, start and further changes; the paper's start comes first."""
    rows = rows.assign(other=rows["changes"].map(_other_changes))
    ordered = []
    groups: Any = rows.groupby(["objective", "start", "other"])
    for (objective, start, other), group in groups:
        method = OBJECTIVES[objective]
        down, over = (_known(group, names) for names in AXES[method.pairs])
        shown = [_differing(group, down) or down[:1], _differing(group, over) or over[-1:]]
        fixed = [name for name in (*down, *over) if name not in (*shown[0], *shown[1])]
        words = [f"{LABELS[name]} {group[name].iloc[0]:g}" for name in fixed]
        title = ", ".join([method.label, STARTS[start], *filter(None, [other]), *words])
        order = (list(OBJECTIVES).index(objective), start != method.published, other)
        drawn = _Map(group, shown[0], shown[1] or ["cell"], title)
        if len(drawn.keys(drawn.down)) > len(drawn.keys(drawn.across)):
            drawn = _Map(group, drawn.across, drawn.down, title)  # the page is wide
        ordered.append((order, drawn))
    return [each for _, each in sorted(ordered, key=lambda pair: pair[0])]


def _other_changes(changes: str) -> str:
    """What a setting changes beside what is an axis of the map."""
    parts = changes.split("; ") if changes else []
    return "; ".join(part for part in parts if not part.startswith(OF_AXES))


def _known(group: pd.DataFrame, names: list[str]) -> list[str]:
    """The columns that all rows have; seed rows only where no level stands for them."""
    known = [name for name in names if group[name].notna().all()]
    return [name for name in known if name != "n_seed" or "level" not in known]


def _differing(group: pd.DataFrame, names: list[str]) -> list[str]:
    return [name for name in names if group[name].nunique() > 1]


def _figure(maps: list[_Map]) -> Figure:
    """All maps, with squares of one size."""
    widest = max(NARROW, *(len(each.keys(each.across)) for each in maps))
    if len(maps) > 1 and widest <= WIDE:
        widest *= 2
    bands = _bands(maps, widest)
    titles = {id(each): wrapped(each.title, LETTERS[len(band)]) for band in bands for each in band}
    heights = [max(len(each.keys(each.down)) for each in band) for band in bands]
    lines = max(title.count("\n") for title in titles.values())
    names = [each.rows["cell"].str.len().max() for each in maps if each.across == ["cell"]]
    under = LETTER * max(names, default=0)
    height = sum(heights) * ROW + len(bands) * (MARGINS + LINE * lines + under)
    figure = new_figure(PAGE_WIDTH, max(height + 0.1, LOWEST))
    figure.set_layout_engine("constrained")
    rises = np.abs(pd.concat([each.rows["peak_delta"] for each in maps]))
    reach = max(LEAST_REACH, np.ceil(rises.max() / 10) * 10) if rises.notna().any() else LEAST_REACH
    norm = Normalize(-reach, reach)
    grid = figure.add_gridspec(len(bands), 2, height_ratios=heights)
    axes = []
    for number, band in enumerate(bands):
        for place, each in enumerate(band):
            whole = len(band) == 1 and len(each.keys(each.across)) > widest / 2
            axis = figure.add_subplot(grid[number, :] if whole else grid[number, place])
            _draw(axis, each, norm)
            axis.set(xlim=(0, widest if whole else widest / 2), ylim=(0, heights[number]))
            top = len(each.keys(each.down)) / heights[number]
            axis.set_title(titles[id(each)], loc="left", y=top)
            axes.append(axis)
    figure.colorbar(
        ScalarMappable(norm, COLORS), ax=axes, aspect=30, pad=0.01, label="peak rise, points"
    )
    return figure


def _bands(maps: list[_Map], widest: int) -> list[list[_Map]]:
    """The maps in rows: two side by side where each takes half of the width at most."""
    bands: list[list[_Map]] = []
    for each in maps:
        half = len(each.keys(each.across)) <= widest / 2
        last = bands[-1] if bands else []
        if half and len(last) == 1 and len(last[0].keys(last[0].across)) <= widest / 2:
            last.append(each)
        else:
            bands.append([each])
    return bands


def _draw(axis: Axes, each: _Map, norm: Normalize) -> None:
    """One map: a square for each place that has chains."""
    down, across = each.keys(each.down), each.keys(each.across)
    for number, row in enumerate(down):
        for column, over in enumerate(across):
            here = np.ones(len(each.rows), bool)
            for name, value in zip((*each.down, *each.across), (*row, *over), strict=True):
                here &= (each.rows[name] == value).to_numpy()
            if here.any():
                _square(axis, each.rows[here], (column, number), norm)
    axis.set_xticks(np.arange(len(across)) + 0.5, ["\n".join(map(_word, key)) for key in across])
    axis.set_yticks(np.arange(len(down)) + 0.5, [", ".join(map(_word, key)) for key in down])
    axis.set_xlabel(", ".join(LABELS[name] for name in each.across), loc="left")
    axis.set_ylabel(",\n".join(LABELS[name] for name in each.down), loc="bottom")
    axis.grid(visible=False)
    axis.tick_params(length=0, labelsize=6)
    if each.across == ["cell"]:
        axis.tick_params(axis="x", labelrotation=90)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _square(axis: Axes, rows: pd.DataFrame, corner: tuple[int, int], norm: Normalize) -> None:
    """Colour, sign, number and frame of one place. corner: its lower left."""
    rise = rows["peak_delta"].mean()
    known = bool(np.isfinite(rise))
    color = matplotlib.colormaps[COLORS](norm(rise)) if known else NOTHING
    axis.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", linewidth=0.8))
    dark = known and abs(norm(rise) - 0.5) > 0.3
    number = (
        f"\n{round(rise):+d}".replace("-", "\N{MINUS SIGN}").replace("+0", "0") if known else ""
    )
    axis.text(
        corner[0] + 0.5, corner[1] + 0.5, majority(rows) + number, ha="center", va="center",
        fontsize=6, linespacing=0.95, color="white" if dark else INK,
    )  # fmt: skip
    if rows["published"].any():
        inner = (corner[0] + 0.05, corner[1] + 0.06)
        axis.add_patch(
            Rectangle(inner, 0.9, 0.88, fill=False, edgecolor=INK, linewidth=1.0, zorder=3)
        )


def majority(rows: pd.DataFrame) -> str:
    """The sign of the commonest outcome of all chains of some rows; several where they tie."""
    weights = rows["n_chains"] - rows["n_undecided"]
    counts = {name: float((rows[f"share_{name}"] * weights).sum()) for name in OUTCOMES}
    most = max(counts.values())
    if most == 0:
        return UNKNOWN
    return "".join(GLYPHS[name] for name in OUTCOMES if np.isclose(counts[name], most))


def _word(value: Any) -> str:
    """A tick's label; numbers of rows are means over panels."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if value >= 10 else f"{value:g}"
