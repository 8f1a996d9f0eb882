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

from idempotence.figures.labels import OBJECTIVES, PUBLISHED, STARTS, between, wrapped
from idempotence.figures.style import INK, PAGE_WIDTH, empty_figure, new_figure, styled
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
_SUPERVISED = (["learning_rate", "level", "n_seed"], ["temperature", "n_sampled"])
# columns that make the rows and the columns of an objective's map
AXES = {"sft": _SUPERVISED, "sdf": _SUPERVISED,
        "dpo": (["learning_rate", "temperature"], ["beta", "pairs"])}  # fmt: skip
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
    rows = table[table["trait"] == ALL]
    plain = (rows["changes"] == "") & (rows["start"] == rows["objective"].map(PUBLISHED))
    rows = rows.assign(published=plain)
    glyphs = ", ".join(f"{glyph} {name}" for name, glyph in GLYPHS.items())
    text = (
        "Largest rise of the trait score over cycle 0 at a coherence of at least "
        f"{peak_coherence:g}, points: colour and number, mean over panels (a trait and a seed) of "
        "a setting's dose; t intervals stand in the table. Sign: the commonest outcome of its "
        f"chains, n = {between(rows['n_chains'])} ({glyphs}, {UNKNOWN} none; several: as many "
        "chains each). Grey: no coherent cycle after cycle 0. Framed: the objective's plain loop "
        "from the paper's start. A square that several settings share has the mean of theirs."
    )
    with styled():
        if rows.empty:
            return empty_figure("This study has no chain: there is no map."), rows[SHOWN], text
        return _figure(_maps(rows)), rows[SHOWN], text


def _maps(rows: pd.DataFrame) -> list[_Map]:
    """A map for each objective, start and further changes; the paper's start comes first."""
    rows = rows.assign(other=rows["changes"].map(_other_changes))
    ordered = []
    groups: Any = rows.groupby(["objective", "start", "other"])
    for (objective, start, other), group in groups:
        down, over = (_known(group, names) for names in AXES[objective])
        shown = [_differing(group, down) or down[:1], _differing(group, over) or over[-1:]]
        fixed = [name for name in (*down, *over) if name not in (*shown[0], *shown[1])]
        words = [f"{LABELS[name]} {group[name].iloc[0]:g}" for name in fixed]
        title = ", ".join([OBJECTIVES[objective], STARTS[start], *filter(None, [other]), *words])
        order = (list(OBJECTIVES).index(objective), start != PUBLISHED[objective], other)
        ordered.append((order, _Map(group, shown[0], shown[1] or ["cell"], title)))
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
    side = 1 if widest > WIDE or len(maps) == 1 else 2
    titles = [wrapped(each.title, LETTERS[side]) for each in maps]
    highest = [len(each.keys(each.down)) for each in maps]
    bands = [max(highest[i : i + side]) for i in range(0, len(maps), side)]
    lines = max(title.count("\n") for title in titles)
    names = [each.rows["cell"].str.len().max() for each in maps if each.across == ["cell"]]
    under = LETTER * max(names, default=0)
    height = sum(bands) * ROW + len(bands) * (MARGINS + LINE * lines + under)
    figure = new_figure(PAGE_WIDTH, max(height + 0.1, LOWEST))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(
        len(bands), side, squeeze=False, gridspec_kw={"height_ratios": bands}
    ).ravel()
    rises = np.abs(pd.concat([each.rows["peak_delta"] for each in maps]))
    reach = max(LEAST_REACH, np.ceil(rises.max() / 10) * 10) if rises.notna().any() else LEAST_REACH
    norm = Normalize(-reach, reach)
    for axis in axes[len(maps) :]:
        axis.set_visible(False)
    for place, (each, title) in enumerate(zip(maps, titles, strict=True)):
        _draw(axes[place], each, norm)
        axes[place].set(xlim=(0, widest), ylim=(0, bands[place // side]))
        axes[place].set_title(title, loc="left", y=highest[place] / bands[place // side])
    figure.colorbar(
        ScalarMappable(norm, COLORS), ax=list(axes), aspect=30, pad=0.01, label="peak rise, points"
    )
    return figure


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
    number = f"\n{rise:+.0f}".replace("-", "\N{MINUS SIGN}") if known else ""
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
    """A tick's label."""
    return value if isinstance(value, str) else f"{value:g}"
