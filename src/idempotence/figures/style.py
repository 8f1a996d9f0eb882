"""How every figure looks and is saved: one size, one palette, the same bytes each time."""

import io
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import TypedDict

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, Formatter, FuncFormatter

from idempotence.io import write_csv, write_text, write_whole

COLUMN_WIDTH = 3.4  # inches: one column of a two-column page
PAGE_WIDTH = 7.0
PNG_DPI = 200
INK = "#222222"
FAINT = "#767676"
# Okabe and Ito's colours in an order whose neighbours also differ in lightness; their yellow is
# left out, too light for a line on white.
PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]
# More than colours, so that no pair comes twice.
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", "p", "*", ">"]
NO_DOSES = "This setting has no grid of doses, since its cells do not all have the same two kinds."
SEQUENCE = "viridis"  # for more lines than `PALETTE` has colours
FONT = "DejaVu Sans"
SETTINGS_OF_STYLE = {
    "font.family": FONT,  # comes with matplotlib, so text has one size everywhere
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.2,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "figure.facecolor": "white",
    "svg.hashsalt": "idempotence",  # element ids are random without it
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}
# What would differ from one run or one release of matplotlib to the next.
_METADATA = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


class Look(TypedDict):
    """Colour and marker of a line; no marker: ""."""

    color: str
    marker: str


def styled() -> AbstractContextManager[None]:
    """Context in which figures are drawn; needed for saving too, which `save_figure` sees to."""
    return matplotlib.rc_context(SETTINGS_OF_STYLE)


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches, drawn by Agg, which needs no window system."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def small_multiples(
    figure: Figure, n: int, across: int, sharex: bool = False, sharey: bool = False
) -> list[Axes]:
    """n axes, `across` in a row."""
    rows = -(-n // across)
    axes = figure.subplots(rows, across, squeeze=False, sharex=sharex, sharey=sharey).ravel()
    for axis in axes[n:]:
        axis.set_visible(False)
    return list(axes[:n])


def drawable(text: str) -> str:
    """A text whose letters the font has; of others stand the code points: "[U+4E2D U+6587]".

    Control characters count as others, but for line ends: an SVG with one is no XML.
    """
    parts = []
    for known, letters in groupby(text, _has_glyph):
        run = "".join(letters)
        parts.append(run if known else f"[{' '.join(f'U+{ord(letter):04X}' for letter in run)}]")
    return "".join(parts)


@cache
def _has_glyph(letter: str) -> bool:
    if letter == "\n":
        return True
    control = unicodedata.category(letter).startswith("C")
    return not control and get_font(findfont(FONT)).get_char_index(ord(letter)) != 0


def empty_figure(text: str) -> Figure:
    """A figure that says in words that there is nothing to draw."""
    figure = new_figure(PAGE_WIDTH, 0.6)
    figure.text(0.02, 0.5, text, va="center", color=INK)
    return figure


def no_doses() -> Figure:
    """The figure of a setting without a grid of doses."""
    with styled():
        return empty_figure(NO_DOSES)


def line_looks(names: list[str]) -> dict[str, Look]:
    """Colour and marker of each line; a sequence of colours where the palette is too short."""
    if len(names) <= len(PALETTE):
        looks = zip(names, PALETTE, MARKERS, strict=False)
        return {name: Look(color=color, marker=marker) for name, color, marker in looks}
    colors = matplotlib.colormaps[SEQUENCE]
    step = 0.9 / (len(names) - 1)
    return {
        name: Look(color=matplotlib.colors.to_hex(colors(i * step)), marker="")
        for i, name in enumerate(names)
    }


def save_figure(
    figure: Figure, numbers: pd.DataFrame, caption: str, stem: str | Path
) -> list[Path]:
    """Write `stem`.pdf, .svg, .png (200 dpi), the numbers drawn as .csv and the caption as .txt.

    The same figure gives the same bytes: dates, versions and random ids are kept out. Returns the
    paths, in that order.
    """
    paths = [Path(f"{stem}.{kind}") for kind in (*_METADATA, "csv", "txt")]
    with styled():
        _make_drawable(figure)
        _settle(figure)
        for (kind, metadata), path in zip(_METADATA.items(), paths, strict=False):
            drawn = io.BytesIO()
            figure.savefig(drawn, format=kind, dpi=PNG_DPI, metadata=metadata)
            write_whole(path, partial(Path.write_bytes, data=drawn.getvalue()))
    write_csv(numbers, paths[3])
    write_text(paths[4], caption.strip() + "\n")
    return paths


def _make_drawable(figure: Figure) -> None:
    """Every text of a figure as `drawable`, whoever wrote it: names of cells are foreign too."""
    for axis in figure.axes:
        for each in (axis.xaxis, axis.yaxis):
            formatter = each.get_major_formatter()
            if isinstance(formatter, FixedFormatter | FuncFormatter):  # ticks with names
                each.set_major_formatter(FuncFormatter(_drawable_ticks(formatter)))
    for text in figure.findobj(Text):
        if (shown := drawable(text.get_text())) != text.get_text():
            text.set_text(shown)


def _drawable_ticks(formatter: Formatter) -> Callable[[float, int | None], str]:
    return lambda value, place: drawable(formatter(value, place))


def _settle(figure: Figure) -> None:
    """Lay a figure out once and for all.

    The solver of constrained layouts gives places that differ from run to run in their last bits,
    and with them the names of clip paths in an SVG: places are rounded and kept.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    engine.execute(figure)
    figure.set_layout_engine(None)  # a placeholder would have each file drawn twice
    for axis in figure.axes:
        left, bottom, width, height = axis.get_position(original=True).bounds
        axis.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))
