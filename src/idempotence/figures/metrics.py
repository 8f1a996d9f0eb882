"""What can be counted in the replies of a setting, over the cycles: a line for each cell."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.errors import UserError
from idempotence.figures.labels import between, level_note, setting_title
from idempotence.figures.lines import draw_lines, ticks_of
from idempotence.figures.style import PAGE_WIDTH, empty_figure, line_looks, new_figure, styled
from idempotence.figures.trajectories import cell_labels
from idempotence.jobs.parts import Loop
from idempotence.scores.schema import DOSES
from idempotence.stats.trajectories import TEXT_METRICS

NAMES = {
    "words": "words",
    "words_per_sentence": "words per\nsentence",
    "distinct_2": "distinct\nbigrams",
    "pooled_distinct_2": "distinct\nbigrams,\npooled",
    "compression": "compression",
    "pooled_compression": "compression,\npooled",
    "exact_duplicates": "exact\nduplicates",
    "near_duplicates": "near\nduplicates",
    "opening_share": "commonest\nopening",
    "loglik_initial": "log-likelihood\nper token",
}
RATIOS = ("compression", "pooled_compression")  # from under 1 to some hundreds
SHARES = [
    "distinct_2",
    "pooled_distinct_2",
    "exact_duplicates",
    "near_duplicates",
    "opening_share",
]
HEIGHT = 0.85  # inches of a row


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
    measures = [name for name in NAMES if name in set(drawn["measure"])]
    text = (
        f"{setting_title(loop)}. Each row is a metric of the replies' text over the cycles. No "
        "judge is needed. A line is one dose, the mean over its chains (n = "
        f"{between(drawn['n_chains'])} per point), without an interval. Pooled metrics, duplicates "
        "and the commonest opening are counted over a chain's replies at a cycle together (up to "
        f"{between(table['n_responses'])}), and depend on their number. Compression has a "
        "logarithmic scale."
    ) + level_note(dose for dose in DOSES if table[dose].notna().any())
    with styled():
        if drawn.empty:
            return empty_figure("No chain of this setting has a reply."), drawn, text
        figure = new_figure(PAGE_WIDTH, 0.7 + HEIGHT * len(measures) + 0.14 * -(-len(labels) // 3))
        figure.set_layout_engine("constrained")
        axes = figure.subplots(len(measures), len(traits), sharex=True, sharey="row", squeeze=False)
        for row, measure in zip(axes, measures, strict=True):
            for axis, trait in zip(row, traits, strict=True):
                mine = drawn[(drawn["measure"] == measure) & (drawn["trait"] == trait)]
                draw_lines(axis, mine, "mean", "cell", looks)
                axis.set_xticks(ticks_of(table["cycle"]))
            _scale(row[0], measure, drawn.loc[drawn["measure"] == measure, "mean"])
            row[0].set_ylabel(NAMES[measure])
        for axis, trait in zip(axes[0], traits, strict=True):
            axis.set_title(trait)
        figure.supxlabel("cycle", fontsize=8)
        handles = [Line2D([], [], **looks[cell], label=label) for cell, label in labels.items()]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, borderpad=0)
    return figure, drawn, text


def _scale(axis: Axes, measure: str, means: pd.Series) -> None:
    """Shares from 0 to 1; ratios between two powers of two, so that both ends have a tick."""
    if measure in SHARES:
        axis.set_ylim(-0.05, 1.05)
    if measure in RATIOS:
        low, high = math.floor(math.log2(means.min())), math.ceil(math.log2(means.max()))
        axis.set_yscale("log", base=2)
        axis.set_ylim(2.0**low, 2.0 ** max(high, low + 1))
        axis.yaxis.set_major_formatter("{x:g}")
