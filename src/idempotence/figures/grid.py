"""The whole grid of a setting: a row for each trait, a column for each n_sampled or pairs."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.errors import UserError
from idempotence.figures.labels import between, level_note, setting_title
from idempotence.figures.lines import ROOM, cycle_ticks, draw_lines
from idempotence.figures.style import (
    NO_DOSES,
    PAGE_WIDTH,
    Look,
    new_figure,
    no_doses,
    styled,
)
from idempotence.figures.trajectories import DASHED
from idempotence.jobs.parts import Loop
from idempotence.stats.dose import dose_axes

UNITS = {"n_sampled": "samples", "pairs": "pairs"}
NAMES = {"level": "seeded to {:g}", "n_seed": "{:g} seed rows", "beta": "β {:g}"}
DARKER = {"level": "was seeded to a higher score", "n_seed": "has more seed rows",
          "beta": "has a larger β"}  # fmt: skip
HEIGHT, STRIP = 0.72, 0.34  # inches: of the trait's axis and of the coherence strip below it
NAME, APART = 0.17, 0.12  # inches: the trait's name above its axis; between traits
HEADING = 1.24  # of the first trait's axes: where the names of columns stand, above the trait's
MARGIN = 0.05  # of the x axis, beside the first and last cycle


def draw(
    table: pd.DataFrame, initial: pd.DataFrame, loop: Loop
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption) of a setting.

    table: see `stats.trajectories.trajectories`; initial: scores of the initial models (model,
    trait, trait_score, coherence). Lines are means over seeds and models. Raises `UserError` for a
    setting that the table lacks.
    """
    title = setting_title(loop)
    table = table[table["setting"] == loop.name]
    if table.empty:
        raise UserError(f"the table of trajectories has no setting '{loop.name}'")
    axes = dose_axes(table)
    if axes is None:
        columns = ["trait", "cycle", "trait_score", "coherence"]
        return no_doses(), table.iloc[:0][columns], f"{title}. {NO_DOSES}"
    first, second = axes
    by = ["trait", first, second, "cycle"]
    grouped = table.groupby(by)[["trait_score", "coherence"]]
    drawn = grouped.mean().join(table.groupby(by)["n_seed"].mean().rename("mean_n_seed"))
    drawn = drawn.join(grouped.size().rename("n_chains")).reset_index()
    before = initial[initial["model"].isin(table["model"]) & initial["trait"].isin(table["trait"])]
    start = before.groupby("trait")["trait_score"].mean().dropna()
    scored = grouped.count()["trait_score"]
    dashed = " The dashed line is the initial model's trait score." if len(start) else ""
    text = (
        f"{title}. Each row is a trait, and each column a number of {UNITS[second]} per cycle. "
        "Upper axes show the trait score over the cycles. The strips below show coherence "
        '("coh."). Both go from 0 to 100. A line is one dose, the mean over its chains (n = '
        f"{between(scored[scored > 0])} per point), without an interval. A darker line "
        f"{DARKER[first]}.{dashed}{level_note(axes)}"
    )
    return _figure(drawn, start, first, second), drawn, text


def _figure(drawn: pd.DataFrame, start: pd.Series, first: str, second: str) -> Figure:
    traits, columns = sorted(drawn["trait"].unique()), sorted(drawn[second].unique())
    looks = _looks(drawn[first])
    with styled():
        figure = new_figure(PAGE_WIDTH, 0.85 + len(traits) * (NAME + HEIGHT + STRIP + APART))
        figure.set_layout_engine("constrained", h_pad=0.02, w_pad=0.02)
        # axes that share their x would look at each other at every step: 70 of them take minutes
        axes = figure.subplots(
            2 * len(traits), len(columns), squeeze=False,
            gridspec_kw={"height_ratios": [HEIGHT, STRIP] * len(traits)},
        )  # fmt: skip
        for i, trait in enumerate(traits):
            for j, column in enumerate(columns):
                mine = drawn[(drawn["trait"] == trait) & (drawn[second] == column)]
                pair = list(axes[2 * i : 2 * i + 2, j])
                for axis, measure in zip(pair, ("trait_score", "coherence"), strict=True):
                    draw_lines(axis, mine, measure, first, looks, linewidth=1.1)
                if trait in start:
                    pair[0].axhline(start[trait], **DASHED)
                _dress(pair, trait if j == 0 else "", drawn["cycle"].max(), i == len(traits) - 1)
                if i == 0:
                    pair[0].set_title(f"{column:g} {UNITS[second]}", y=HEADING)
        figure.supxlabel("cycle", fontsize=8)
        handles = [
            Line2D([], [], color=look["color"], linewidth=1.6, label=NAMES[first].format(dose))
            for dose, look in looks.items()
        ]
        if len(start):
            handles.append(Line2D([], [], label="initial model", **DASHED))
        figure.legend(handles=handles, loc="outside upper left", ncols=6, borderpad=0)
    return figure


def _looks(doses: pd.Series) -> dict[float, Look]:
    """A shade for each dose, the darker the larger."""
    names = sorted(doses.unique())
    shades = matplotlib.colormaps["viridis_r"](np.linspace(1, 0.12, len(names))[::-1])
    colors = map(matplotlib.colors.to_hex, shades)
    return {name: Look(color=color, marker="") for name, color in zip(names, colors, strict=True)}


def _dress(pair: Sequence[Axes], trait: str, last: int, lowest: bool) -> None:
    """Limits, ticks and labels of a trait's axis and strip; cycles only under the lowest strip."""
    for axis, ticks in zip(pair, ([0, 50, 100], [0, 100]), strict=True):
        axis.set_xlim(-MARGIN * last, (1 + MARGIN) * last)
        axis.set_ylim(0, 100)
        axis.set_yticks(ticks)
        few = range(0, int(last) + 1, 2 if last > 3 else 1)
        axis.set_xticks(few if last <= ROOM else cycle_ticks(int(last)))
        below = lowest and axis is pair[1]
        axis.tick_params(labelleft=bool(trait), labelbottom=below, labelsize=6, length=2)
    if trait:
        pair[0].set_title(trait, loc="left")
        pair[0].set_ylabel("trait score", fontsize=7)
        pair[1].set_ylabel("coh.", fontsize=6)
