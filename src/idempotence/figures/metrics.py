"""What can be counted in the replies of a setting, over the cycles: a line for each cell."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.errors import UserError
from idempotence.figures.labels import between, setting_title
from idempotence.figures.lines import draw_lines
from idempotence.figures.style import PAGE_WIDTH, line_looks, new_figure, styled
from idempotence.figures.trajectories import cell_labels
from idempotence.jobs.parts import Loop
from idempotence.stats.trajectories import TEXT_METRICS

NAMES = {
    "words": "words",
    "words_per_sentence": "words per\nsentence",
    "distinct_2": "distinct\nbigrams",
    "opening_share": "share of\nan opening",
    "loglik_initial": "log-likelihood\nper token",
}
SHARES = ("distinct_2", "opening_share")
HEIGHT = 1.05  # inches of a row


def numbers(table: pd.DataFrame, setting: str) -> pd.DataFrame:
    """trait, cell, measure, cycle, mean and n_chains (over models and seeds) of known values.

    table: see `stats.trajectories.trajectories`. Raises `UserError` for a setting that it lacks.
    """
    mine = table[table["setting"] == setting]
    if mine.empty:
        raise UserError(f"the table of trajectories has no setting '{setting}'")
    parts = []
    for measure in TEXT_METRICS:
        known = mine[mine[measure].notna()].groupby(["trait", "cell", "cycle"])[measure]
        means = known.agg(mean="mean", n_chains="size").reset_index()
        parts.append(means.assign(measure=measure))
    return pd.concat(parts)[["trait", "cell", "measure", "cycle", "mean", "n_chains"]]


def draw(table: pd.DataFrame, loop: Loop) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption) of a setting.

    Arguments and errors as for `numbers`. Likelihoods are drawn where they are known.
    """
    drawn = numbers(table, loop.name)
    table = table[table["setting"] == loop.name]
    labels, traits = cell_labels(table), sorted(table["trait"].unique())
    looks = line_looks(list(labels))
    measures = [name for name in NAMES if name in set(drawn["measure"])] or ["words"]
    text = (
        f"{setting_title(loop)}. Text metrics of the replies, no judge needed: words; words per "
        "sentence; distinct bigrams over all of a reply; share of the replies of a cell that begin "
        "with the same three words; where an initial model was given, mean log-likelihood per "
        "token under it. A line is a cell, mean of n = "
        f"{between(drawn['n_chains'])} chain(s), no interval."
    )
    with styled():
        figure = new_figure(PAGE_WIDTH, 0.7 + HEIGHT * len(measures) + 0.14 * -(-len(labels) // 3))
        figure.set_layout_engine("constrained")
        axes = figure.subplots(len(measures), len(traits), sharex=True, sharey="row", squeeze=False)
        for row, measure in zip(axes, measures, strict=True):
            for axis, trait in zip(row, traits, strict=True):
                mine = drawn[(drawn["measure"] == measure) & (drawn["trait"] == trait)]
                draw_lines(axis, mine, "mean", "cell", looks)
                if measure in SHARES:
                    axis.set_ylim(0, 1.05)
                axis.set_xticks(sorted(table["cycle"].unique()))
            row[0].set_ylabel(NAMES[measure])
        for axis, trait in zip(axes[0], traits, strict=True):
            axis.set_title(trait)
        figure.supxlabel("cycle", fontsize=8)
        handles = [Line2D([], [], **looks[cell], label=label) for cell, label in labels.items()]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, borderpad=0)
    return figure, drawn, text
