"""Forest plots: an estimate and its interval for each setting and trait."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from idempotence.figures.labels import between, in_order, panels, wrapped
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
SIZE, SMALL = 4.2, 2.8  # points: a mark with an interval, and without one
NOTHING = "This study has no estimate to draw here."
NO_CHAIN = "no chain"  # in the row of a trait that a setting does not have


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
    hollow: str = ""  # label of a mark that is not filled


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
    Without any row the figure says so, and a row without a mark says why.
    """
    whole = pd.concat([rows for _, rows in tables], ignore_index=True)
    settings = in_order(whole["setting"], loops)
    titles = [wrapped(setting, LETTERS) for setting in settings]
    traits = [ALL, *sorted(set(whole["trait"]) - {ALL})]
    with styled():
        if not settings:
            return empty_figure(NOTHING)
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
            _explain_empty_rows(axis, tables, settings[place], traits)
            dress(axis, titles[place], ["all traits", *traits[1:]], limits)
            for label in axis.get_yticklabels()[:1]:
                label.set_fontweight("bold")
            below = place + ACROSS >= len(settings)
            axis.tick_params(labelbottom=below, labelleft=place % ACROSS == 0)
        figure.supxlabel(xlabel, fontsize=8)
        add_legend(figure, tables)
    return figure


def _explain_empty_rows(
    axis: Axes, tables: list[tuple[Mark, pd.DataFrame]], setting: str, traits: list[str]
) -> None:
    """Words in the rows of a setting that have no mark."""
    own = [(mark, rows[rows["setting"] == setting]) for mark, rows in tables]
    present = {trait for _, rows in own for trait in rows["trait"]}
    known = {
        trait for mark, rows in own for trait in rows.loc[rows[mark.estimate].notna(), "trait"]
    }
    for y, trait in enumerate(traits):
        if trait not in known:
            axis.text(
                0.98, y, "not known" if trait in present else NO_CHAIN, color=FAINT, fontsize=6,
                ha="right", va="center", transform=axis.get_yaxis_transform(),
            )  # fmt: skip


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
        color, size = mark.color, SIZE
        if pd.isna(low):
            low = high = value
            color, size = FAINT, SMALL
        elif low < right and high > left:
            axis.plot(
                [max(low, left), min(high, right)], [y, y], color=color, linewidth=1.1,
                solid_capstyle="butt",  # other caps stick out beyond the interval
            )  # fmt: skip
        for beyond, end, arrow in ((low < left, left, "<"), (high > right, right, ">")):
            if beyond:
                axis.plot(end, y, arrow, color=color, markersize=3.5, clip_on=False)
        if left <= value <= right:
            filled = not mark.filled or row[mark.filled] is True
            axis.plot(
                value, y, mark.marker, color=color, markersize=size,
                markerfacecolor=color if filled else "white", zorder=3, clip_on=False,
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


def add_legend(figure: Figure, tables: list[tuple[Mark, pd.DataFrame]]) -> None:
    """The kinds of marks, where there are several; those without an interval are one."""
    handles = []
    for mark, rows in tables:
        if not mark.filled:
            handles.append(_handle(mark, mark.label))
        elif rows[mark.low].notna().any():
            handles += [_handle(mark, mark.label), _handle(mark, mark.hollow, face="white")]
    if any(_bare(mark, rows).any() for mark, rows in tables):
        first = tables[0][0]
        grey = _handle(first, "no interval", FAINT, "white" if first.filled else FAINT)
        grey.set(linestyle="", markersize=SMALL)
        handles.append(grey)
    if len(handles) > 1:
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), borderpad=0)


def _handle(mark: Mark, label: str, color: str = "", face: str = "") -> Line2D:
    """An entry of a legend; color and face: the mark's unless given."""
    color = color or mark.color
    return Line2D(
        [], [], color=color, marker=mark.marker, markersize=SIZE, label=label,
        markerfacecolor=face or color,
    )  # fmt: skip


def bars(mark: Mark, rows: pd.DataFrame, kind: str, per: str = "") -> str:
    """Sentences of a caption on the bars and on marks that have none, each after a blank.

    kind: of the interval; per: what the number of panels is of, as " per row".
    """
    bare, barred = _bare(mark, rows), rows[mark.low].notna()
    sentences = []
    if barred.any():
        sentences.append(f" The bar is a {kind} over {panels(rows.loc[barred, 'n_panels'], per)}.")
    if bare.any():
        which = "A small grey mark has no interval" if barred.any() else "No mark has an interval"
        sentences.append(f" {which} (n = {between(rows.loc[bare, 'n_panels'])}).")
    return "".join(sentences)


def no_chain(rows: pd.DataFrame) -> str:
    """A sentence of a caption on settings without one of the traits; empty if there are none."""
    pairs = rows[["setting", "trait"]].drop_duplicates()
    if len(pairs) == pairs["setting"].nunique() * pairs["trait"].nunique():
        return ""
    return f' "{NO_CHAIN.capitalize()}" means that a setting lacks the trait.'


def _bare(mark: Mark, rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which rows have a mark without an interval."""
    return rows[mark.estimate].notna() & rows[mark.low].isna()
