"""A setting's trajectories: trait score and coherence over cycles, a line for each cell."""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.errors import UserError
from idempotence.figures import authors
from idempotence.figures.labels import (
    MEASURES,
    between,
    cell_label,
    counted,
    level_note,
    percent,
    setting_title,
    wrapped,
)
from idempotence.figures.lines import FEW, THIN, cycle_ticks, draw_lines
from idempotence.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    PALETTE,
    Look,
    line_looks,
    new_figure,
    styled,
)
from idempotence.jobs.parts import Loop
from idempotence.scores.schema import DOSES
from idempotence.stats.intervals import MIN_CLUSTERS
from idempotence.stats.trajectories import last_alive, over_seeds

ACROSS = 4  # at most so many subjects side by side; more start another band of two rows
# Inches. Sizes are set by hand: every setting's figure then has the same axes, whatever its legend.
AXIS_HEIGHT = 1.35
LEFT, RIGHT, BETWEEN = 0.52, 0.14, 0.24
SUPTITLE, TITLE, ROWS_APART, TICKS = 0.28, 0.19, 0.16, 0.24
SUPTITLE_LINE, SUPTITLE_LETTERS = 0.15, 92  # a further line of the title above all; its letters
XLABEL, NOTE, ENTRY, EDGE = 0.2, 0.17, 0.138, 0.06
LETTER, HANDLE = 0.054, 0.5  # widths in a legend: a letter; a line with the space about it
DASHED: dict[str, Any] = {"color": FAINT, "linestyle": (0, (4, 2)), "linewidth": 0.9}
_COLUMNS = ["kind", "model", "trait", "cell", "seed", "measure", "cycle", "mean"]
_INTERVAL = ["ci_low", "ci_high", "n_seeds"]


def numbers(
    table: pd.DataFrame,
    initial: pd.DataFrame | None,
    setting: str,
    confidence: float,
    theirs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What the figure shows of one setting, one row for each mark.

    table: see `stats.trajectories.trajectories`; initial: scores of the initial models (columns
    model, trait, trait_score, coherence), if there are any; theirs: the authors' chains that fit
    (see `authors.fitting`). Returns kind ("mean": of the chains over seeds; "seed": of a chain, in
    place of intervals where there are 2 to `FEW` seeds and a colour for each cell; "ended": the
    last cycle of a chain before its end, no cycle for one that never had a score; "initial": the
    initial model's mean; "authors": a score of one of their chains), model, trait, cell, seed,
    measure, cycle, mean (points), ci_low, ci_high, n_seeds; empty where a kind has no such value.
    Raises `UserError` when the table does not have the setting.
    """
    table = table[table["setting"] == setting]
    if table.empty:
        raise UserError(f"the table of trajectories has no setting '{setting}'")
    parts = []
    for measure in MEASURES:
        means = over_seeds(table, measure, confidence)
        parts.append(means.assign(kind="mean", measure=measure))
        if 1 < means["n_seeds"].max() <= FEW and table["cell"].nunique() <= len(PALETTE):
            known = table[table[measure].notna()].rename(columns={measure: "mean"})
            parts.append(known.assign(kind="seed", measure=measure)[_COLUMNS])
        ends = last_alive(table).rename(columns={measure: "mean"})
        ends = ends[["model", "trait", "cell", "seed", "cycle", "mean"]]
        parts.append(ends.assign(kind="ended", measure=measure))
        if initial is not None:
            before = initial.groupby(["model", "trait"], as_index=False)[measure].mean()
            before = before.merge(table[["model", "trait"]].drop_duplicates())
            before = before.rename(columns={measure: "mean"})
            parts.append(before.assign(kind="initial", measure=measure))
        if theirs is not None:
            parts.append(authors.marks(theirs, measure))
    # empty parts would make pandas guess types; all are empty where every chain ended at once
    filled = [part for part in parts if len(part)] or parts[:1]
    whole = pd.concat([part.reindex(columns=_COLUMNS + _INTERVAL) for part in filled])
    counts = {"seed": "Int64", "cycle": "Int64", "n_seeds": "Int64"}
    return whole.astype(counts).reset_index(drop=True)


def cell_labels(table: pd.DataFrame) -> dict[str, str]:
    """Label of each cell, in the order of the doses."""
    cells = table.drop_duplicates("cell").sort_values([*DOSES, "cell"])
    return {
        row["cell"]: cell_label(row["cell"], row[DOSES].to_dict()) for _, row in cells.iterrows()
    }


def seeds_note(drawn: pd.DataFrame, confidence: float, bands: bool) -> str:
    """How many seeds a mean is over, what its band is, and which chains cannot be seen."""
    unseen = drawn[(drawn["kind"] == "ended") & drawn["cycle"].isna()]
    n_unseen = unseen[["model", "trait", "cell", "seed"]].drop_duplicates().shape[0]
    return _means_note(drawn, confidence, bands) + (
        f" {counted([n_unseen], 'chain')} ended before any score." if n_unseen else ""
    )


def _means_note(drawn: pd.DataFrame, confidence: float, bands: bool) -> str:
    n = drawn.loc[drawn["kind"] == "mean", "n_seeds"]
    if n.empty:
        return "No chain has a score."
    if n.max() == 1:
        return "There is one seed, so there is no interval."
    means = f"Lines are means over {between(n)} seeds"
    if (drawn["kind"] == "seed").any():
        return f"{means}. Thin lines are single seeds."
    if not bands:
        return f"{means}, without bands because there are many."
    least = f" ({MIN_CLUSTERS} or more)" if n.min() < MIN_CLUSTERS else ""
    return f"{means}. Bands are {percent(confidence)} t intervals over seeds{least}."


def caption(table: pd.DataFrame, drawn: pd.DataFrame, loop: Loop, confidence: float) -> str:
    """The figure's caption: what is drawn, over what, with which interval."""
    bands = table.loc[table["setting"] == loop.name, "cell"].nunique() <= len(PALETTE)
    text = (
        f"{setting_title(loop)}. Mean trait score (top) and coherence (bottom) of the replies, 0 "
        "to 100, over the cycles. Each colour is one dose. "
        f"{seeds_note(drawn, confidence, bands)}"
    )
    if (drawn["kind"] == "initial").any():
        text += " The dashed line is the initial model before any training."
    if _ends_seen(drawn):
        text += " A cross marks a chain's last cycle before it ended."
    return text + level_note(dose for dose in DOSES if table[dose].notna().any())


def _ends_seen(drawn: pd.DataFrame) -> bool:
    """Whether a chain ended that had a score before."""
    return bool((drawn["kind"].eq("ended") & drawn["cycle"].notna()).any())


@dataclass(frozen=True)
class Layout:
    """Where things are, in inches from the figure's lower left corner.

    heading: height of the title above all; title: of the title above each subject.
    """

    heading: float
    across: int
    bands: int
    title: float
    legend_columns: int
    legend_rows: int

    @property
    def foot(self) -> float:
        return EDGE + self.legend_rows * ENTRY + NOTE + XLABEL

    @property
    def band(self) -> float:
        return self.title + 2 * AXIS_HEIGHT + ROWS_APART + TICKS

    @property
    def height(self) -> float:
        return self.foot + self.bands * self.band + self.heading

    @property
    def axis_width(self) -> float:
        return (PAGE_WIDTH - LEFT - RIGHT - (self.across - 1) * BETWEEN) / self.across

    def box(self, place: int, row: int) -> tuple[float, float, float, float]:
        """left, bottom, width, height, as shares, of row 0 or 1 of the subject at a place."""
        band, column = divmod(place, self.across)
        top = self.height - self.heading - band * self.band - self.title
        bottom = top - (row + 1) * AXIS_HEIGHT - row * ROWS_APART
        left = LEFT + column * (self.axis_width + BETWEEN)
        width, height = self.axis_width / PAGE_WIDTH, AXIS_HEIGHT / self.height
        return left / PAGE_WIDTH, bottom / self.height, width, height


def draw(
    table: pd.DataFrame,
    initial: pd.DataFrame | None,
    loop: Loop,
    confidence: float,
    published: pd.DataFrame,
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption) of one setting.

    loop: the setting; published: the authors' chains (see `published.series.load_chains`); other
    arguments and errors as for `numbers`.
    """
    theirs = authors.fitting(published, loop, table[table["setting"] == loop.name])
    drawn = numbers(table, initial, loop.name, confidence, theirs)
    table = table[table["setting"] == loop.name]
    last_cycle = int(pd.concat([table["cycle"], theirs["cycle"]]).max())
    labels = cell_labels(table)
    bands = len(labels) <= len(PALETTE)
    looks = line_looks(list(labels))
    subjects = list(table[["model", "trait"]].drop_duplicates().itertuples(index=False, name=None))
    many_models = table["model"].nunique() > 1
    heading = wrapped(setting_title(loop), SUPTITLE_LETTERS)
    with styled():
        handles = _handles(drawn, labels, looks) + authors.handles(theirs)
        layout = _layout(len(subjects), handles, many_models, heading)
        figure = new_figure(PAGE_WIDTH, layout.height)
        for place, (model, trait) in enumerate(subjects):
            shown = drawn["model"].eq(model) | drawn["kind"].eq(authors.KIND)
            mine = drawn[shown & drawn["trait"].eq(trait)]
            for row, measure in enumerate(MEASURES):
                axis = figure.add_axes(layout.box(place, row))
                _draw_panel(axis, mine[mine["measure"] == measure], looks, bands)
                _dress(axis, last_cycle, place % layout.across == 0, row, measure)
                if row == 0:
                    axis.set_title(f"{trait}\n{model}" if many_models else trait, pad=4)
        _write_about(figure, layout, heading, seeds_note(drawn, confidence, bands), handles)
    about = caption(table, drawn, loop, confidence) + authors.sentence(theirs)
    return figure, drawn, about


def _layout(n_subjects: int, handles: list[Line2D], many_models: bool, heading: str) -> Layout:
    longest = max(len(str(handle.get_label())) for handle in handles)
    fit = int((PAGE_WIDTH - LEFT - RIGHT) / (longest * LETTER + HANDLE))
    columns = min(len(handles), max(1, fit))
    bands = -(-n_subjects // ACROSS)
    return Layout(
        heading=SUPTITLE + SUPTITLE_LINE * heading.count("\n"),
        across=-(-n_subjects // bands),
        bands=bands,
        title=2 * TITLE if many_models else TITLE,
        legend_columns=columns,
        legend_rows=-(-len(handles) // columns),
    )


def _draw_panel(axis: Axes, mine: pd.DataFrame, looks: dict[str, Look], bands: bool) -> None:
    """One measure of one model and trait."""
    for level in mine.loc[mine["kind"] == "initial", "mean"].dropna():
        axis.axhline(level, **DASHED, zorder=1.5)
    authors.draw_authors(axis, mine)
    means = mine[mine["kind"] == "mean"].sort_values("cycle")
    seeds = mine[mine["kind"] == "seed"].sort_values("cycle")
    ended = mine[(mine["kind"] == "ended") & mine["cycle"].notna()]
    plain = {cell: Look(color=look["color"], marker="") for cell, look in looks.items()}
    draw_lines(axis, seeds, "mean", "cell", plain, units="seed", **THIN, zorder=2, clip_on=False)
    draw_lines(axis, means, "mean", "cell", looks, zorder=3, clip_on=False)
    for cell, look in looks.items():
        if bands and seeds.empty:
            line = means[means["cell"] == cell]
            low, high = line["ci_low"].clip(0, 100), line["ci_high"].clip(0, 100)
            axis.fill_between(
                line["cycle"].to_numpy(float), low, high, color=look["color"], alpha=0.16,
                linewidth=0, zorder=1.2,
            )  # fmt: skip
        ends = ended[ended["cell"] == cell]
        axis.plot(
            ends["cycle"].to_numpy(float), ends["mean"], linestyle="", marker="X", markersize=7.5,
            markerfacecolor=look["color"], markeredgecolor=INK, markeredgewidth=0.8, zorder=4,
            clip_on=False,
        )  # fmt: skip


def _dress(axis: Axes, last_cycle: int, first: bool, row: int, measure: str) -> None:
    """Limits, ticks and labels; y labels in the first column, cycles under the lower row."""
    axis.set_ylim(0, 100)
    axis.set_yticks(range(0, 101, 25))
    axis.set_xlim(-0.03 * last_cycle - 0.05, 1.03 * last_cycle + 0.05)
    axis.set_xticks(cycle_ticks(last_cycle))
    axis.tick_params(labelleft=first, labelbottom=row == 1)
    if first:
        axis.set_ylabel(MEASURES[measure])


def _handles(drawn: pd.DataFrame, labels: dict[str, str], looks: dict[str, Look]) -> list[Line2D]:
    """Legend entries: the cells, and whatever else is drawn."""
    handles = [Line2D([], [], **looks[cell], label=label) for cell, label in labels.items()]
    if (drawn["kind"] == "initial").any():
        handles.append(Line2D([], [], **DASHED, label="initial model"))
    if _ends_seen(drawn):
        handles.append(
            Line2D([], [], color=FAINT, linestyle="", marker="X", markersize=6.5,
                   markeredgecolor=INK, label="last cycle before end")
        )  # fmt: skip
    return handles


def _write_about(
    figure: Figure, layout: Layout, heading: str, note: str, handles: list[Line2D]
) -> None:
    """Title above the axes; name of the x axis, note and legend below."""
    left, height = LEFT / PAGE_WIDTH, layout.height
    figure.text(left, 1 - EDGE / height, heading, va="top", fontsize=9)
    legend_top = EDGE + layout.legend_rows * ENTRY
    middle = (1 + left - RIGHT / PAGE_WIDTH) / 2
    figure.text(middle, (legend_top + NOTE + XLABEL) / height, "cycle", va="top", ha="center")
    figure.text(left, (legend_top + NOTE) / height, note, va="top", fontsize=7)
    figure.legend(
        handles=handles, ncols=layout.legend_columns, loc="upper left", borderpad=0,
        bbox_to_anchor=(left, legend_top / height), borderaxespad=0, labelspacing=0.35,
    )  # fmt: skip
