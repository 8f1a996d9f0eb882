"""DPO from the previous model beside DPO from the initial one: scores over the cycles."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures import authors
from idempotence.figures.labels import in_order, loop_of, panels, percent, recipe_label, wrapped
from idempotence.figures.lines import FEW, THIN, cycle_ticks, draw_lines
from idempotence.figures.style import (
    PAGE_WIDTH,
    PALETTE,
    Look,
    empty_figure,
    line_looks,
    new_figure,
    styled,
)
from idempotence.jobs.parts import Loops
from idempotence.objectives import Start
from idempotence.stats.groups import ALL
from idempotence.stats.trajectories import over_panels

MEASURES = {
    "trait_score": "trait score",
    "coherence": "coherence",
    "words_per_sentence": "words per sentence",
}
SCORES = ["trait_score", "coherence"]  # from 0 to 100
# Colour of the first setting with each start; further settings take the rest of the palette.
FIRST: dict[Start, str] = {"previous": PALETTE[1], "initial": PALETTE[0]}
HEIGHT, ENTRY = 4.6, 0.14  # inches: of the figure with one row in the legend; of a further row
LETTERS = {2: 58, 1: 120}  # of a label in a legend of two columns, or of one


def draw(
    table: pd.DataFrame, confidence: float, loops: Loops, published: pd.DataFrame
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption) of all settings of objective dpo.

    table: see `stats.trajectories.trajectories`; published: the authors' chains (see
    `published.series.load_chains`), shown where a setting has their recipe. All traits together,
    then each. The thick line is the mean over panels (each the mean of its cells), with a t
    interval over more than `FEW` panels. Thin lines are cells (mean over panels), or chains where
    there are no more panels than that.
    """
    table = table[table["objective"] == "dpo"]
    theirs = _theirs(published, table, loops)
    numbers = _numbers(table, confidence, theirs)
    looks = _looks(in_order(table["setting"], loops), loops)
    text = caption(numbers, confidence) + authors.sentence(theirs)
    with styled():
        if table.empty:
            return empty_figure("This study has no setting that trains with DPO."), numbers, text
        traits = _columns(table)
        labels = {setting: recipe_label(loop_of(loops, setting)) for setting in looks}
        columns = 2 if max(map(len, labels.values())) <= LETTERS[2] else 1
        labels = {setting: wrapped(label, LETTERS[columns]) for setting, label in labels.items()}
        entries = len(labels) + (not theirs.empty)
        lines = sum(label.count("\n") for label in labels.values()) + -(-entries // columns)
        figure = new_figure(PAGE_WIDTH, HEIGHT + ENTRY * (lines - 1))
        figure.set_layout_engine("constrained")
        axes = figure.subplots(len(MEASURES), len(traits), sharex=True, sharey="row", squeeze=False)
        for row, (measure, name) in enumerate(MEASURES.items()):
            for column, trait in enumerate(traits):
                mine = numbers[(numbers["trait"] == trait) & (numbers["measure"] == measure)]
                _draw(axes[row][column], mine, measure, looks)
            axes[row][0].set_ylabel(name)
            if measure not in SCORES:
                axes[row][0].set_ylim(bottom=0)  # once all is drawn: a row shares its axis
        for axis, trait in zip(axes[0], traits, strict=True):
            axis.set_title("all traits" if trait == ALL else trait)
        axes[0][0].set_xticks(cycle_ticks(int(numbers["cycle"].max())))  # the axes share them
        figure.supxlabel("cycle", fontsize=8)
        handles = [
            Line2D([], [], color=look["color"], linewidth=2, label=labels[setting])
            for setting, look in looks.items()
        ] + authors.handles(theirs)
        figure.legend(handles=handles, loc="outside upper left", ncols=columns, borderpad=0)
    return figure, numbers, text


def caption(numbers: pd.DataFrame, confidence: float) -> str:
    """What is drawn, over what, with which interval; numbers: see `_numbers`."""
    n, kinds = numbers.loc[numbers["kind"] == "mean", "n"], set(numbers["kind"])
    text = (
        "All settings that train with DPO: trait score, coherence (both 0 to 100) and words per "
        f"sentence over the cycles. Thick lines are means over {panels(n)}."
    )
    if "cell" in kinds:
        text += (
            f" Over more than {FEW} panels, the band is the {percent(confidence)} t interval of "
            "the mean, cut at 0 and 100, and thin lines are doses."
        )
    if "chain" in kinds:
        text += f" Over {FEW} panels or fewer there is no band, and thin lines are chains."
    return text


def _columns(table: pd.DataFrame) -> list[str]:
    """Traits in their order, all together before them where there are several."""
    traits = sorted(table["trait"].unique())
    return traits if len(traits) < 2 else [ALL, *traits]


def _looks(settings: list[str], loops: Loops) -> dict[str, Look]:
    """Colour of each setting, without markers."""
    if len(settings) > len(PALETTE):
        return line_looks(settings)
    free = list(PALETTE)
    colors = {}
    for start, color in FIRST.items():
        first = next((name for name in settings if loop_of(loops, name).start == start), None)
        if first:
            colors[first] = color
            free.remove(color)
    return {name: Look(color=colors.get(name) or free.pop(0), marker="") for name in settings}


def _theirs(published: pd.DataFrame, table: pd.DataFrame, loops: Loops) -> pd.DataFrame:
    """The authors' chains that fit any setting of the table, each once."""
    parts = [
        authors.fitting(published, loop_of(loops, str(setting)), rows)
        for setting, rows in table.groupby("setting")
    ]
    return pd.concat([published.iloc[:0], *parts]).drop_duplicates()


def _numbers(table: pd.DataFrame, confidence: float, theirs: pd.DataFrame) -> pd.DataFrame:
    """kind, mean, n, ci_low, ci_high.

    kind: "mean" (over panels), "cell" (a dose's mean over more than `FEW` panels), "chain" (where
    there are no more) or "authors" (a chain of theirs, of no setting of the study).
    """
    by = ["setting", "trait", "cycle"]
    parts = []
    if ALL in _columns(table):  # a trait and a seed are a panel
        seeds = table["trait"] + " " + table["seed"].astype(str)
        table = pd.concat([table, table.assign(trait=ALL, seed=seeds)], ignore_index=True)
    for measure in MEASURES:
        known = table[table[measure].notna()]
        means = over_panels(table, measure, confidence)
        parts.append(means.assign(kind="mean", measure=measure))
        most = means.groupby(["setting", "trait"])["n"].max().rename("panels")
        few = known.join(most, on=["setting", "trait"])["panels"] <= FEW
        cells = known[~few].groupby([*by, "cell"])[measure].agg(mean="mean", n="size")
        parts.append(cells.reset_index().assign(kind="cell", measure=measure))
        chains = known[few].rename(columns={measure: "mean"})
        chains = chains[[*by, "model", "seed", "cell", "mean"]]
        parts.append(chains.assign(kind="chain", measure=measure, n=1))
        if measure in theirs:
            parts.append(authors.marks(theirs, measure))
    columns = ["kind", "measure", *by, "model", "seed", "cell", "mean", "n", "ci_low", "ci_high"]
    return pd.concat(parts).reindex(columns=columns).reset_index(drop=True)


def _draw(axis: Axes, mine: pd.DataFrame, measure: str, looks: dict[str, Look]) -> None:
    """One measure of one trait: doses or chains of every setting, then the means above them."""
    scores = measure in SCORES
    thin = mine[mine["kind"].isin(["cell", "chain"])]
    names = thin[["model", "seed"]].astype(object).fillna("").astype(str)
    thin = thin.assign(line=thin["cell"].str.cat(names, sep=" "))
    means = mine[mine["kind"] == "mean"].sort_values("cycle")
    authors.draw_authors(axis, mine)
    draw_lines(axis, thin, "mean", "setting", looks, units="line", **THIN)
    for setting, look in looks.items():
        mean = means[(means["setting"] == setting) & (means["n"] > FEW)]
        low, high = mean["ci_low"].clip(0), mean["ci_high"].clip(upper=100 if scores else None)
        axis.fill_between(mean["cycle"], low, high, color=look["color"], alpha=0.13, linewidth=0)
    draw_lines(axis, means, "mean", "setting", looks, linewidth=2)
    if scores:
        axis.set_ylim(0, 100)
        axis.set_yticks(range(0, 101, 25))
