"""DPO that goes on from the last model against DPO from the initial one, over the cycles."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import between, percent
from idempotence.figures.style import PAGE_WIDTH, PALETTE, empty_figure, new_figure, styled
from idempotence.stats.trajectories import over_panels

COLORS = {"dpo": PALETTE[1], "dpo-reinit": PALETTE[0]}
NAMES = {"dpo": "goes on from the last model (dpo)",
         "dpo-reinit": "starts from the initial model (dpo-reinit)"}  # fmt: skip
MEASURES = {
    "trait_score": "trait score",
    "coherence": "coherence",
    "words_per_sentence": "words a sentence",
}


def draw(table: pd.DataFrame, confidence: float) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.trajectories.trajectories`. Thin lines are cells (mean over seeds), the thick
    one is the mean over panels (each the mean of its cells) with a t interval over panels.
    """
    table = table[table["setting"].isin(COLORS)]
    numbers = _numbers(table, confidence)
    n = numbers.loc[numbers["kind"] == "mean", "n"]
    text = (
        "Thin: a line for each dose, mean over seeds. Thick: mean over the seeds' panels (n = "
        f"{between(n)}) with a band of its "
        f"{percent(confidence)} t interval, cut at 0 and 100 for scores. Trait score and coherence "
        "are the judge's, 0 to 100. A text without a full stop is one long sentence."
    )
    with styled():
        if table.empty:
            return empty_figure("This study has no DPO."), numbers, text
        traits = sorted(table["trait"].unique())
        figure = new_figure(PAGE_WIDTH, 4.6)
        figure.set_layout_engine("constrained")
        axes = figure.subplots(len(MEASURES), len(traits), sharex=True, sharey="row", squeeze=False)
        for row, (measure, label) in enumerate(MEASURES.items()):
            for column, trait in enumerate(traits):
                mine = numbers[(numbers["trait"] == trait) & (numbers["measure"] == measure)]
                _draw(axes[row][column], mine, measure)
            axes[row][0].set_ylabel(label)
        for axis, trait in zip(axes[0], traits, strict=True):
            axis.set_title(trait)
        figure.supxlabel("cycle", fontsize=8)
        handles = [Line2D([], [], color=COLORS[s], linewidth=2, label=NAMES[s]) for s in NAMES]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, borderpad=0)
    return figure, numbers, text


def _numbers(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """kind ("cell": a dose's mean over seeds; "mean": over panels), mean, n, ci_low, ci_high."""
    by = ["setting", "trait", "cycle"]
    parts = []
    for measure in MEASURES:
        known = table[table[measure].notna()]
        cells = known.groupby([*by, "cell"])[measure].agg(mean="mean", n="size").reset_index()
        parts.append(cells.assign(kind="cell", measure=measure))
        made = over_panels(table, measure, confidence)
        parts.append(made.assign(kind="mean", measure=measure))
    columns = ["kind", "measure", *by, "cell", "mean", "n", "ci_low", "ci_high"]
    return pd.concat(parts).reindex(columns=columns).reset_index(drop=True)


def _draw(axis, mine: pd.DataFrame, measure: str) -> None:
    scores = measure != "words_per_sentence"
    for setting, color in COLORS.items():
        of_setting = mine[mine["setting"] == setting]
        cells = of_setting[of_setting["kind"] == "cell"]
        for _, line in cells.groupby("cell"):
            axis.plot(line["cycle"], line["mean"], color=color, linewidth=0.6, alpha=0.6)
        mean = of_setting[of_setting["kind"] == "mean"].sort_values("cycle")
        low, high = mean["ci_low"].clip(0), mean["ci_high"].clip(upper=100 if scores else None)
        axis.fill_between(mean["cycle"], low, high, color=color, alpha=0.13, linewidth=0)
        axis.plot(mean["cycle"], mean["mean"], color=color, linewidth=2)
    if scores:
        axis.set_ylim(0, 100)
        axis.set_yticks(range(0, 101, 25))
    else:
        axis.set_ylim(bottom=0)
    axis.set_xticks(sorted(int(c) for c in mine["cycle"].unique()))
