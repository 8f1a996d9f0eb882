"""Three chains: one that decays, one that stays, one that amplifies, each with two replies."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from idempotence.figures.labels import cell_label, counted, percent, wrapped
from idempotence.figures.lines import ticks_of
from idempotence.figures.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    PALETTE,
    drawable,
    new_figure,
    styled,
)
from idempotence.scores.schema import CHAIN, DOSES
from idempotence.stats.amplification import OUTCOMES

LETTERS = 190  # of a reply that are shown
WIDTH = 43  # letters of a line
HEADING = 2  # lines that a chain's name has place for; more of them take from its axis
LINE = 0.031  # of the figure's height


def choose(chains: pd.DataFrame) -> pd.DataFrame:
    """For each outcome the chain whose late change is the median of all with that outcome.

    chains: see `stats.amplification.chains`. Of an even number the lower of the middle two; equal
    changes in the order of the chains' names. At most one row for each outcome.
    """
    rows = []
    for outcome in OUTCOMES:
        mine = chains[chains["outcome"] == outcome].sort_values(["late_delta", *CHAIN])
        if len(mine):
            rows.append(mine.iloc[(len(mine) - 1) // 2])
    return pd.DataFrame(rows, columns=chains.columns)


def draw(
    table: pd.DataFrame, chains: pd.DataFrame, scores: pd.DataFrame, confidence: float
) -> tuple[Figure, pd.DataFrame, str]:
    """(figure, its numbers, its caption).

    table: see `stats.trajectories.trajectories`; chains: see `stats.amplification.chains`; scores:
    the responses (`CHAIN`, cycle, question, sample, response) that replies are quoted from.
    """
    chosen = choose(chains)
    numbers = pd.concat(
        [_of(table, row).assign(outcome=row["outcome"]) for _, row in chosen.iterrows()]
        or [table.iloc[:0].assign(outcome="")]
    )
    columns = ["outcome", *CHAIN, "cycle", "trait_score", "trait_score_ci_low",
               "trait_score_ci_high", "coherence"]  # fmt: skip
    shown = pd.concat([_of(table, row) for _, row in chosen.iterrows()] or [table.iloc[:0]])
    text = (
        "One chain for each outcome, with the number of chains that have it (n). Its change from "
        "cycle 0 to the late cycles is their median, of an even number the lower of the middle "
        f"two. The solid line is its trait score, with a band for the {percent(confidence)} t "
        f"interval over {counted(shown['n_questions'], 'question')}. The dashed line is its "
        "coherence, without interval. Below are its first replies to the first question at cycle "
        "0 and at the last cycle, cut where they are long. A code such as [U+4E2D] stands for a "
        "letter that the font lacks."
    )
    with styled():
        return _figure(chosen, table, chains, scores), numbers[columns], text


def _figure(
    chosen: pd.DataFrame, table: pd.DataFrame, chains: pd.DataFrame, scores: pd.DataFrame
) -> Figure:
    """A column for each outcome."""
    figure = new_figure(PAGE_WIDTH, 3.9)
    counts = chains["outcome"].value_counts()
    names = {row["outcome"]: _name(row) for _, row in chosen.iterrows()}
    more = max([name.count("\n") + 1 - HEADING for name in names.values()], default=0)
    height = 0.325 - LINE * max(more, 0)
    lines = []
    for i, outcome in enumerate(OUTCOMES):
        left = 0.075 + i * 0.315
        axis = figure.add_axes((left, 0.52, 0.265, height))
        n = int(counts.get(outcome, 0))
        figure.text(left, 0.965, f"{outcome} (n = {n} of {len(chains)})", fontsize=9, va="top")
        if outcome not in names:
            axis.axis("off")
            axis.text(0, 0.5, "no chain of this study", transform=axis.transAxes, color=FAINT)
            continue
        chain = chosen[chosen["outcome"] == outcome].iloc[0]
        course = _of(table, chain).sort_values("cycle")
        lines = _course(axis, course, i == 0)
        figure.text(left, 0.915, names[outcome], fontsize=7, va="top", color=INK)
        _replies(figure, left, _of(scores, chain), course)
    if lines:
        figure.legend(
            handles=lines, loc="upper right", bbox_to_anchor=(0.97, 0.42), ncols=2, borderpad=0
        )
    return figure


def _name(chain: pd.Series) -> str:
    """A chain's setting, trait, seed and doses, in lines."""
    where = f"{chain['setting']}, {chain['trait']}, seed {chain['seed']}"
    doses = cell_label(chain["cell"], chain[DOSES].to_dict())
    return "\n".join(wrapped(text, WIDTH) for text in (where, doses))


def _of(frame: pd.DataFrame, chain: pd.Series) -> pd.DataFrame:
    """The rows of one chain."""
    mine = pd.Series(True, index=frame.index)
    for name in CHAIN:
        mine &= frame[name] == chain[name]
    return frame[mine]


def _course(axis: Axes, course: pd.DataFrame, first: bool) -> list[Line2D]:
    """Draw a chain's scores; returns the lines, for the legend."""
    low, high = (course[f"trait_score_ci_{k}"].clip(0, 100) for k in ("low", "high"))
    axis.fill_between(course["cycle"], low, high, color=PALETTE[0], alpha=0.18, linewidth=0)
    cycles = course["cycle"]
    lines = axis.plot(cycles, course["trait_score"], color=PALETTE[0], marker="o", label="trait")
    lines += axis.plot(
        cycles, course["coherence"], color=PALETTE[1], linestyle=(0, (3, 1.5)), label="coherence",
        linewidth=1.1,
    )  # fmt: skip
    axis.set_ylim(0, 103)
    axis.set_yticks(range(0, 101, 25))
    axis.set_xticks(ticks_of(course["cycle"]))
    axis.set_xlabel("cycle")
    axis.tick_params(labelleft=first)
    if first:
        axis.set_ylabel("score, 0 to 100")
    return lines


def _replies(figure: Figure, left: float, scores: pd.DataFrame, course: pd.DataFrame) -> None:
    """The chain's first reply at its first and last cycle, cut and wrapped."""
    ends = [int(course["cycle"].min()), int(course["cycle"].max())]
    for place, cycle in enumerate(ends):
        rows = scores[scores["cycle"] == cycle].sort_values(["question", "sample"])
        reply = " ".join(drawable(str(rows["response"].iloc[0])).split()) if len(rows) else ""
        shown = reply if len(reply) <= LETTERS else reply[:LETTERS].rsplit(" ", 1)[0] + " …"
        # a dollar sign would begin mathematics
        lines = textwrap.wrap(shown.replace("$", r"\$"), WIDTH) or ["(nothing)"]
        top = 0.37 - place * 0.19
        figure.text(left, top, f"cycle {cycle}", fontsize=6.5, va="top", fontweight="bold")
        figure.text(left, top - 0.035, "\n".join(lines[:5]), fontsize=6, va="top", linespacing=1.15)
