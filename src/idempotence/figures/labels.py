"""Settings, cells and measures in words, and the order of settings in figures and tables."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from idempotence.errors import UserError
from idempotence.jobs.parts import Loop, Loops
from idempotence.objectives import OBJECTIVES, Start

STARTS: dict[Start, str] = {
    "initial": "every cycle from the initial model",
    "previous": "every cycle from the previous model",
}
MEASURES = {"trait_score": "trait score", "coherence": "coherence"}


def loop_of(loops: Loops, setting: str) -> Loop:
    """The loop of a setting. Raises `UserError` for a name that is not the study's."""
    for loop in loops.loops:
        if loop.name == setting:
            return loop
    names = ", ".join(loop.name for loop in loops.loops)
    raise UserError(f"the study has no setting '{setting}'; it has {names}")


def recipe_label(loop: Loop) -> str:
    """Where a loop's cycles start and what it changes, with its name."""
    parts = [STARTS[loop.start], *filter(None, [loop.changes])]
    return f"{', '.join(parts)} ({loop.name})"


def setting_title(loop: Loop) -> str:
    """A loop in words, with its name."""
    return f"{loop.method.label}, {recipe_label(loop)}"


def in_order(settings: Iterable[str], loops: Loops) -> list[str]:
    """Each setting once: by objective, those with the paper's start first, then as in the config.

    Raises `UserError` for a name that is not the study's.
    """
    places = {loop.name: place for place, loop in enumerate(loops.loops)}
    objectives = list(OBJECTIVES)

    def place(loop: Loop) -> tuple[int, bool, int]:
        unpublished = loop.start != loop.method.published
        return objectives.index(loop.objective), unpublished, places[loop.name]

    return [loop.name for loop in sorted({loop_of(loops, s) for s in settings}, key=place)]


def wrapped(text: str, width: int) -> str:
    """A text in lines of at most `width` letters, broken at blanks and hyphens if possible."""
    return "\n".join(textwrap.wrap(text, width))


def cell_label(cell: str, doses: Mapping[Any, float]) -> str:
    """A cell's doses in words; its name where it has none.

    doses: level, n_seed, n_sampled, beta, pairs, with NaN or None for what does not apply.
    """
    known = {name: value for name, value in doses.items() if value is not None}
    known = {name: value for name, value in known.items() if not math.isnan(value)}
    parts = []
    if "level" in known:
        parts.append(f"seeded to {known['level']:g}")
    elif "n_seed" in known and "beta" not in known:
        parts.append(f"{known['n_seed']:g} seed rows")
    if "beta" in known:
        parts.append(f"β {known['beta']:g}")
    if "n_sampled" in known:
        parts.append(f"{known['n_sampled']:g} samples per cycle")
    if "pairs" in known:
        parts.append(f"{known['pairs']:g} pairs per cycle")
    return ", ".join(parts) or cell


def percent(confidence: float) -> str:
    """0.95 as "95 %"."""
    return f"{100 * confidence:g} %"


def between(n: Iterable[int]) -> str:
    """Counts as "3", or "3-9" where they differ; "0" for none."""
    counts = [int(value) for value in n]
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{low}" if low == high else f"{low}-{high}"


def counted(n: Iterable[int], what: str) -> str:
    """Counts with their noun: "1 chain", "3-9 chains"."""
    words = between(n)
    return f"{words} {what}{'' if words == '1' else 's'}"


def panels(n: Iterable[int], per: str = "") -> str:
    """The panels that a caption's means are over, with their number and what they are.

    per: what the number is of, as " per row".
    """
    return f"panels (n = {between(n)}{per}, each one model, trait and seed)"


def level_note(doses: Iterable[str]) -> str:
    """A sentence of a caption on the words "seeded to"; empty unless `level` is among the doses."""
    if "level" not in doses:
        return ""
    return ' "Seeded to" names the trait score that was aimed at in cycle 0.'
