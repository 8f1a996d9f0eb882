"""The same two loops in several worlds: a study's, the micro world's, the authors' own."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import MEASURES, counted, percent
from idempotence.figures.lines import FEW, THIN, cycle_ticks
from idempotence.figures.style import FAINT, PAGE_WIDTH, line_looks, new_figure, styled
from idempotence.jobs.parts import Loops
from idempotence.scores.schema import CHAIN
from idempotence.stats.panels import panel_mean

LOOPS = {
    ("sft", "initial"): "SFT from the initial model",
    ("dpo", "previous"): "DPO from the last model",
}
HEIGHT = 4.3  # inches
LAST = 10  # cycles that are drawn
_WORLD = ["world", "objective", "start"]


def plain_loops(table: pd.DataFrame, loops: Loops) -> pd.DataFrame:
    """The rows of the first plain setting of each loop, with its start.

    table: a row for each chain and cycle. loops: its settings.
    """
    first: dict[str, tuple[str, str]] = {}
    for loop in loops.loops:
        if not loop.changes and (loop.objective, loop.start) not in first.values():
            first[loop.name] = (loop.objective, loop.start)
    mine = table[table["setting"].isin(first)]
    return mine.assign(
        start=mine["setting"].map({name: start for name, (_, start) in first.items()})
    )


def numbers(worlds: Mapping[str, pd.DataFrame], confidence: float) -> pd.DataFrame:
    """What the figure shows, a row for each mark.

    worlds: name -> a row for each chain and cycle, with setting, objective, start, model, trait,
    seed, cell, cycle, trait_score and coherence (points); see `plain_loops`. Returns world,
    objective, start, measure, kind ("mean": over panels, with a t interval; "chain"), chain,
    cycle, mean, ci_low, ci_high, n_panels, n_chains.
    """
    rows: list[dict[str, Any]] = []
    for world, table in worlds.items():
        near = table[table["cycle"] <= LAST]
        for (objective, start), of_loop in near.groupby(["objective", "start"]):
            if (objective, start) in LOOPS:
                about = {"world": world, "objective": objective, "start": start}
                for measure in MEASURES:
                    marks = [*_means(of_loop, measure, confidence), *_chains(of_loop, measure)]
                    rows += [{**about, "measure": measure, **mark} for mark in marks]
    columns = [*_WORLD, "measure", "kind", "chain", "cycle", "mean", "ci_low", "ci_high",
               "n_panels", "n_chains"]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=columns)


def _means(of_loop: pd.DataFrame, measure: str, confidence: float) -> Iterator[dict[str, Any]]:
    for cycle, own in of_loop.groupby("cycle"):
        mean = panel_mean(own, measure, confidence)
        shown = {name: mean[name] for name in ("ci_low", "ci_high", "n_panels", "n_chains")}
        yield {"kind": "mean", "cycle": cycle, "mean": mean["estimate"], **shown}


def _chains(of_loop: pd.DataFrame, measure: str) -> Iterator[dict[str, Any]]:
    names = of_loop[CHAIN].astype(str).agg(" ".join, axis=1)
    for chain, cycle, value in zip(names, of_loop["cycle"], of_loop[measure], strict=True):
        yield {"kind": "chain", "chain": chain, "cycle": cycle, "mean": value}


def draw(worlds: Mapping[str, pd.DataFrame], confidence: float) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption); see `numbers`."""
    marks = numbers(worlds, confidence)
    looks = line_looks(list(worlds))
    with styled():
        figure = new_figure(PAGE_WIDTH, HEIGHT)
        figure.set_layout_engine("constrained")
        axes = figure.subplots(len(MEASURES), len(LOOPS), sharex="col", sharey="row", squeeze=False)
        for row, (measure, label) in enumerate(MEASURES.items()):
            for column, ((objective, start), title) in enumerate(LOOPS.items()):
                axis, mine = axes[row][column], marks[marks["measure"] == measure]
                mine = mine[(mine["objective"] == objective) & (mine["start"] == start)]
                _draw(axis, mine, looks)
                axis.set_ylim(-3, 103)
                if row == 0:
                    axis.set_title(title, loc="left")
                else:
                    axis.set_xlabel("cycle")
                if column == 0:
                    axis.set_ylabel(label)
        handles = [
            Line2D([], [], color=look["color"], marker=look["marker"], label=_entry(marks, world))
            for world, look in looks.items()
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=1)
    last = 0 if marks.empty else int(marks["cycle"].max())
    text = (
        f"Two training loops in {counted([len(worlds)], 'world')}, up to cycle {last}. Both scores "
        "go from 0 to 100. Thick lines are means over panels, each one model, trait and seed. Thin "
        "lines are chains. Of a single panel they alone are drawn. The legend counts both. Bands "
        f"are {percent(confidence)} t intervals over panels, drawn for more than {FEW} panels. The "
        f"worlds differ in models and judges, so compare shapes, not heights.{_unknown(marks)}"
    )
    return figure, marks, text


def _draw(axis: Axes, mine: pd.DataFrame, looks: Mapping[str, Any]) -> None:
    for world, look in looks.items():
        own = mine[mine["world"] == world]
        means = own[own["kind"] == "mean"].dropna(subset=["mean"])
        alone = not means["n_panels"].max() > 1
        dots = {"marker": look["marker"], "markersize": 3.0} if alone else {}
        for _, chain in own[own["kind"] == "chain"].groupby("chain"):
            axis.plot(chain["cycle"], chain["mean"], color=look["color"], **THIN, **dots)
        if alone:
            continue
        axis.plot(means["cycle"], means["mean"], color=look["color"], marker=look["marker"])
        if means["n_panels"].max() > FEW:
            axis.fill_between(
                means["cycle"], means["ci_low"].clip(0), means["ci_high"].clip(upper=100),
                color=look["color"], alpha=0.15, linewidth=0,
            )  # fmt: skip
    if not mine.empty:
        axis.set_xticks(cycle_ticks(int(mine["cycle"].max())))
    else:
        axis.text(0.5, 0.5, "no chains", transform=axis.transAxes, ha="center", color=FAINT)


def _entry(marks: pd.DataFrame, world: str) -> str:
    """A world's name with its panels and chains in each loop."""
    counts = []
    own = marks[(marks["world"] == world) & (marks["kind"] == "mean")]
    for objective, start in LOOPS:
        first = own[(own["objective"] == objective) & (own["start"] == start)]
        if len(first):
            most = first[["n_panels", "n_chains"]].max()
            words = [counted([most[f"n_{what}s"]], what) for what in ("panel", "chain")]
            counts.append(f"{objective}: {', '.join(words)}")
    return f"{world} ({'; '.join(counts) or 'no chains'})"


def _unknown(marks: pd.DataFrame) -> str:
    """A sentence on each measure that a world does not know of a loop's chains."""
    counts: Any = marks.groupby([*_WORLD, "measure"], sort=False)["mean"].count()
    return "".join(
        f" No {MEASURES[measure]} is known of {world} for {LOOPS[objective, start]}."
        for (world, objective, start, measure), known in counts.items()
        if not known
    )
