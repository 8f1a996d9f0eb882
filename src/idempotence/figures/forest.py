"""Forest plots: an estimate and its interval for each setting and trait."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idempotence.figures.labels import in_order, wrapped
from idempotence.figures.style import (
    FAINT,
    PAGE_WIDTH,
    PALETTE,
    empty_figure,
    new_figure,
    small_multiples,
    styled,
)
from idempotence.jobs.parts import Loops
from idempotence.stats.groups import ALL

ACROSS = 3  # settings side by side
ROW, HEAD, FOOT = 0.19, 0.32, 0.55  # inches: a row; title of an axis; ticks and label
LINE, LETTERS = 0.13, 30  # a further line of a title, inches; letters of a line


@dataclass(frozen=True)
class Mark:
    """One mark in each row: columns of estimate and limits, colour, shape, place in the row."""

    estimate: str
    low: str
    high: str
    label: str
    marker: str = "o"
    color: str = PALETTE[0]
    shift: float = 0.0
    filled: str = ""  # a column that says whether the mark is filled; always, without one


def forest(
    tables: list[tuple[Mark, pd.DataFrame]],
    limits: tuple[float, float],
    xlabel: str,
    lines: list[float],
    loops: Loops,
    band: float | None = None,
) -> Figure:
    """An axis for each setting, a row for "all" and each trait, all on one scale.

    tables: marks with the rows they are drawn from (setting, trait and the mark's columns).
    limits: of the x axis; intervals are cut there, with an arrow, and an estimate beyond is left
    to its arrow. lines: where dashed lines stand. band: half width of a shaded band about 0.
    Without any row the figure says so.
    """
    whole = pd.concat([rows for _, rows in tables], ignore_index=True)
    settings = in_order(whole["setting"], loops)
    titles = [wrapped(setting, LETTERS) for setting in settings]
    traits = [ALL, *sorted(set(whole["trait"]) - {ALL})]
    with styled():
        if not settings:
            return empty_figure("This study has no estimate to draw here.")
        bands = -(-len(settings) // ACROSS)
        head = HEAD + LINE * max(title.count("\n") for title in titles)
        height = bands * (head + ROW * (len(traits) + 0.6) + FOOT)
        figure = new_figure(PAGE_WIDTH, height)
        figure.set_layout_engine("constrained", w_pad=0.04, h_pad=0.05)
        axes = small_multiples(figure, len(settings), ACROSS, sharex=True, sharey=True)
        for place, axis in enumerate(axes):
            if band is not None:
                axis.axvspan(-band, band, color="#E8E8E8", zorder=0.5, linewidth=0)
            for x in lines:
                axis.axvline(x, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
            for mark, rows in tables:
                draw_marks(axis, mark, rows[rows["setting"] == settings[place]], traits, limits)
            dress(axis, titles[place], ["all traits", *traits[1:]], limits)
            for label in axis.get_yticklabels()[:1]:
                label.set_fontweight("bold")
            below = place + ACROSS >= len(settings)
            axis.tick_params(labelbottom=below, labelleft=place % ACROSS == 0)
        figure.supxlabel(xlabel, fontsize=8)
        add_legend(figure, [mark for mark, _ in tables])
    return figure


def draw_marks(
    axis: Axes,
    mark: Mark,
    rows: pd.DataFrame,
    names: list[str],
    limits: tuple[float, float],
    column: str = "trait",
) -> None:
    """One kind of mark, with its bars; names: of the rows from above, as `column` has them."""
    left, right = limits
    for row in rows.to_dict("records"):
        value, low, high = (row[name] for name in (mark.estimate, mark.low, mark.high))
        if pd.isna(value):
            continue
        y = names.index(row[column]) + mark.shift
        if pd.isna(low):
            low = high = value
        if low < right and high > left:
            axis.plot([max(low, left), min(high, right)], [y, y], color=mark.color, linewidth=1.1)
        for beyond, end, arrow in ((low < left, left, "<"), (high > right, right, ">")):
            if beyond:
                axis.plot(end, y, arrow, color=mark.color, markersize=3.5, clip_on=False)
        if left <= value <= right:
            filled = not mark.filled or row[mark.filled] is True
            axis.plot(
                value, y, mark.marker, color=mark.color, markersize=4.2,
                markerfacecolor=mark.color if filled else "white", zorder=3, clip_on=False,
            )  # fmt: skip


def dress(axis: Axes, title: str, labels: list[str], limits: tuple[float, float]) -> None:
    """Title, limits, ticks and labels."""
    axis.set_title(title, loc="left")
    axis.set_xlim(*limits)
    ticks = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(*limits)
    axis.set_xticks([tick for tick in ticks if limits[0] <= tick <= limits[1]])
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set_yticks(range(len(labels)), labels)
    axis.grid(axis="y", visible=False)


def add_legend(figure: Figure, marks: list[Mark]) -> None:
    """The kinds of marks, where there are several."""
    if len(marks) < 2:
        return
    handles = [
        Line2D([], [], color=m.color, marker=m.marker, markersize=4.2, label=m.label) for m in marks
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), borderpad=0)
