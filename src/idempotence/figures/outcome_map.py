"""Heat maps of rises and outcomes over learning rates, temperatures and doses."""

from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from idempotence.figures.labels import STARTS, between, level_note, panels, wrapped
from idempotence.figures.squares import COLORS, reach, scale, signed
from idempotence.figures.style import INK, PAGE_WIDTH, empty_figure, new_figure, styled
from idempotence.objectives import OBJECTIVES
from idempotence.stats.groups import ALL
from idempotence.stats.outcome_map import OUTCOMES

NOTHING = "#D9D9D9"  # colour of a square without a coherent cycle
GLYPHS = dict(zip(OUTCOMES, "↓=↑×", strict=True))
UNKNOWN = "?"
FEWER = "*"  # beside the number of a square that is over fewer panels than others of its map
LABELS = {"learning_rate": "learning rate", "temperature": "temperature", "level": "seeded to",
          "n_seed": "seed rows", "n_sampled": "samples per cycle", "beta": "β",
          "pairs": "pairs per cycle", "cell": "cell"}  # fmt: skip
# columns that make the rows and the columns of an objective's map, by whether it trains on pairs
AXES = {False: (["learning_rate", "level", "n_seed"], ["n_sampled", "temperature"]),
        True: (["learning_rate", "temperature"], ["beta", "pairs"])}  # fmt: skip
OF_AXES = ("training.learning_rate ", "generation.temperature ")  # changes that are axes
FEW = 2  # squares of a map that becomes a part of a list
NARROW, WIDE = 8, 9  # columns that half a page has place for; a map with more takes all of it
ROW, MARGINS, LINE = 0.27, 0.85, 0.13  # inches: a row; ticks, label and title; a line of text
ENDS, BAR = 0.85, 0.35  # inches: the key above and the scale below; rows: the scale's bar
LETTER = 0.055  # inches: of a cell's name, which stands upright
LETTERS = {1: 100, 2: 44}  # of a title's line, by the number of maps side by side
LISTED = 140  # letters of a line beside a square of the list
IN_A_ROW = 7  # entries of the key
SHOWN = ["setting", "cell", "learning_rate", "temperature", "level", "n_seed", "n_sampled", "beta",
         "pairs", "n_chains", "n_undecided", "n_panels", "peak_delta", "ci_low", "ci_high",
         *(f"share_{name}" for name in OUTCOMES), "published"]  # fmt: skip


@dataclass(frozen=True)
class _Map:
    """A map: its rows of the table, the columns that are its axes, and its recipe in words.

    fixed: columns of one value, which stand in its title.
    """

    rows: pd.DataFrame
    down: list[str]
    across: list[str]
    recipe: str
    fixed: list[str]

    @property
    def title(self) -> str:
        return ", ".join([self.recipe, *_doses(self.rows, self.fixed)])

    def keys(self, names: list[str]) -> list[tuple[Any, ...]]:
        """The places along an axis, in order; one without a name where there is no column."""
        return sorted(set(self.rows[names].itertuples(index=False, name=None))) if names else [()]

    @property
    def size(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        return len(self.keys(self.down)), len(self.keys(self.across))

    def squares(self) -> dict[tuple[int, int], pd.DataFrame]:
        """The rows of the table of each square, by its column and row."""
        squares = {}
        for number, row in enumerate(self.keys(self.down)):
            for column, over in enumerate(self.keys(self.across)):
                here = np.ones(len(self.rows), bool)
                for name, value in zip((*self.down, *self.across), (*row, *over), strict=True):
                    here &= (self.rows[name] == value).to_numpy()
                if here.any():
                    squares[column, number] = self.rows[here]
        return squares


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
    n_panels = rows.loc[rows["peak_delta"].notna(), "n_panels"]
    doses = [name for name in ("level",) if rows[name].notna().any()]
    notes = {
        " Framed squares have the paper's start and an unchanged loop.": rows["published"].any(),
        " A star marks fewer panels.": n_panels.nunique() > 1,
    }
    return (
        f"Colour ({reach(rows['peak_delta'])}) and number are the peak, the largest rise of the "
        f"trait score over cycle 0 at a coherence of at least {peak_coherence:g}. A square is a "
        f"setting's dose, mean over {panels(n_panels)}. The sign is the commonest outcome of its "
        f"n = {between(rows['n_chains'])} chains, and two signs mean a tie. The table has t "
        f"intervals.{''.join(note for note, true in notes.items() if true)}{level_note(doses)}"
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
        recipe = ", ".join([method.label, STARTS[start], *filter(None, [other])])
        order = (list(OBJECTIVES).index(objective), start != method.published, other)
        ordered.append((order, _Map(group, shown[0], shown[1] or ["cell"], recipe, fixed)))
    return [each for _, each in sorted(ordered, key=lambda pair: pair[0])]


def _turned(maps: list[_Map]) -> list[_Map]:
    """The maps, all the same way round: on their sides where that makes them lower."""
    rows, columns = (max((each.size[way] for each in maps), default=0) for way in (0, 1))
    if rows <= columns:
        return maps
    return [replace(each, down=each.across, across=each.down) for each in maps]


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


def _figure(every: list[_Map]) -> Figure:
    """All maps, with squares of one size; those of few squares are joined to a list below."""
    listed = [each for each in every if len(each.squares()) <= FEW]
    maps = _turned([each for each in every if len(each.squares()) > FEW])
    most = max((each.size[1] for each in maps), default=0)
    widest = most if most > WIDE else 2 * max(NARROW, most)
    bands = _bands(maps, widest)
    titles = [[wrapped(each.title, LETTERS[len(band)]) for each in band] for band in bands]
    heights = [max(each.size[0] for each in band) for band in bands]
    rows_listed = [sum(len(each.squares()) for each in listed)] if listed else []
    figure = new_figure(PAGE_WIDTH, _height(maps, titles, heights) + sum(rows_listed) * ROW)
    figure.set_layout_engine("constrained")
    norm = scale(pd.concat([each.rows["peak_delta"] for each in every]))
    ratios = [*heights, *rows_listed, BAR]
    grid = figure.add_gridspec(len(ratios), 2, height_ratios=ratios)
    for number, band in enumerate(bands):
        for place, each in enumerate(band):
            whole = len(band) == 1 and each.size[1] > widest / 2
            axis = figure.add_subplot(grid[number, :] if whole else grid[number, place])
            axis.set(xlim=(0, widest if whole else widest / 2), ylim=(0, heights[number]))
            axis.set_title(titles[number][place], loc="left", y=each.size[0] / heights[number])
            _draw(axis, each, norm)
    if listed:
        axis = figure.add_subplot(grid[len(bands), :])
        axis.set(xlim=(0, widest), ylim=(rows_listed[0], 0))
        _draw_list(axis, listed, norm)
    scale_axis = figure.add_subplot(grid[-1, 1])
    shades = ScalarMappable(norm, COLORS)
    figure.colorbar(shades, cax=scale_axis, orientation="horizontal", label="peak rise, points")
    _legend(figure, every)
    return figure


def _height(maps: list[_Map], titles: list[list[str]], heights: list[int]) -> float:
    """Inches of a figure without its list. heights: rows of squares of each band."""
    lines = max((title.count("\n") for band in titles for title in band), default=0)
    names = [each.rows["cell"].str.len().max() for each in maps if each.across == ["cell"]]
    band = MARGINS + LINE * lines + LETTER * max(names, default=0)
    return sum(heights) * ROW + len(heights) * band + ENDS


def _bands(maps: list[_Map], widest: int) -> list[list[_Map]]:
    """The maps in rows: two side by side where each takes half of the width at most."""
    bands: list[list[_Map]] = []
    for each in maps:
        half = each.size[1] <= widest / 2
        last = bands[-1] if bands else []
        if half and len(last) == 1 and last[0].size[1] <= widest / 2:
            last.append(each)
        else:
            bands.append([each])
    return bands


def _draw(axis: Axes, each: _Map, norm: Normalize) -> None:
    """One map: a square for each place that has chains."""
    most = each.rows["n_panels"].max()
    for corner, rows in each.squares().items():
        _square(axis, rows, corner, norm, most)
    down, across = each.keys(each.down), each.keys(each.across)
    axis.set_xticks(np.arange(len(across)) + 0.5, ["\n".join(map(_word, key)) for key in across])
    axis.set_yticks(np.arange(len(down)) + 0.5, [", ".join(map(_word, key)) for key in down])
    axis.set_xlabel(", ".join(LABELS[name] for name in each.across), loc="left")
    axis.set_ylabel(",\n".join(LABELS[name] for name in each.down), loc="bottom")
    _dress(axis)
    if each.across == ["cell"]:
        axis.tick_params(axis="x", labelrotation=90)


def _draw_list(axis: Axes, listed: list[_Map], norm: Normalize) -> None:
    """The squares of small maps below each other, each with its setting and dose in words."""
    most = max(each.rows["n_panels"].max() for each in listed)
    number = 0
    for each in listed:
        names = [name for name in LABELS if name in (*each.down, *each.across, *each.fixed)]
        for rows in each.squares().values():
            _square(axis, rows, (0, number), norm, most)
            words = ", ".join([each.recipe, *_doses(rows, names)])
            axis.text(1.15, number + 0.5, wrapped(words, LISTED), va="center", fontsize=6)
            number += 1
    axis.set(xticks=[], yticks=[])
    _dress(axis)


def _dress(axis: Axes) -> None:
    axis.grid(visible=False)
    axis.tick_params(length=0, labelsize=6)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _square(
    axis: Axes, rows: pd.DataFrame, corner: tuple[int, int], norm: Normalize, most: int
) -> None:
    """Colour, sign, number and frame of one place.

    corner: its column and row; most: panels of that square of the map that has most.
    """
    rise = rows["peak_delta"].mean()
    known = bool(np.isfinite(rise))
    color = matplotlib.colormaps[COLORS](norm(rise)) if known else NOTHING
    axis.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor="white", linewidth=0.8))
    dark = known and abs(norm(rise) - 0.5) > 0.3
    mark = FEWER if rows["n_panels"].min() < most else ""
    number = f"\n{signed(rise)}{mark}" if known else ""
    axis.text(
        corner[0] + 0.5, corner[1] + 0.5, majority(rows) + number, ha="center", va="center",
        fontsize=6, linespacing=0.95, color="white" if dark else INK,
    )  # fmt: skip
    if rows["published"].any():
        inner = (corner[0] + 0.05, corner[1] + 0.06)
        axis.add_patch(
            Rectangle(inner, 0.9, 0.88, fill=False, edgecolor=INK, linewidth=1.0, zorder=3)
        )


def _legend(figure: Figure, maps: list[_Map]) -> None:
    """The key: all signs, and of frames, grey and marks those that are drawn."""
    drawn = [text.get_text() for axis in figure.axes for text in axis.texts]
    rows = pd.concat([each.rows for each in maps])
    signs = dict(GLYPHS)
    signs |= {"unknown": UNKNOWN} if UNKNOWN in (text.split("\n")[0] for text in drawn) else {}
    signs |= {"fewer panels": FEWER} if any(text.endswith(FEWER) for text in drawn) else {}
    handles: list[Any] = [
        Line2D([], [], color=INK, linestyle="", marker=f"${sign}$", markersize=5,
               markeredgewidth=0, label=name)
        for name, sign in signs.items()
    ]  # fmt: skip
    if rows["published"].any():
        handles.append(Patch(fill=False, edgecolor=INK, label="the paper's loop"))
    if rows["peak_delta"].isna().any():
        handles.append(Patch(color=NOTHING, label="never coherent later"))
    figure.legend(
        handles=handles, loc="outside upper left", ncols=min(len(handles), IN_A_ROW), borderpad=0,
        handlelength=1.2, columnspacing=1.2,
    )  # fmt: skip


def majority(rows: pd.DataFrame) -> str:
    """The sign of the commonest outcome of all chains of some rows; several where they tie."""
    weights = rows["n_chains"] - rows["n_undecided"]
    counts = {name: float((rows[f"share_{name}"] * weights).sum()) for name in OUTCOMES}
    most = max(counts.values())
    if most == 0:
        return UNKNOWN
    return "".join(GLYPHS[name] for name in OUTCOMES if np.isclose(counts[name], most))


def _doses(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Some columns of rows that are alike there, in words."""
    return [f"{LABELS[name]} {_word(rows[name].iloc[0])}" for name in names]


def _word(value: Any) -> str:
    """A tick's label; numbers of rows are means over panels."""
    if isinstance(value, str):
        return value
    return f"{value:.0f}" if value >= 10 else f"{value:g}"
