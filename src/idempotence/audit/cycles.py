"""Numbers of cycles in foreign files: cycles of a loop, or training steps of its checkpoints."""

from collections.abc import Collection, Iterable
from itertools import pairwise
from statistics import median

from idempotence.errors import UserError

LAST_CYCLE = 1000  # no cycle has a higher number
CLEAR_STEPS = 50  # numbers that lie so far apart are steps ...
CLEAR_CYCLES = 10  # ... and, nearer than this, cycles; between them the config has to say
SHOWN = 12  # numbers in a message


def are_steps(numbers: Collection[int]) -> bool:
    """Whether numbers (0 or more, the seeded model at 0) are training steps.

    The median distance between neighbours decides: 50 or more, steps; less than 10 with none above
    `LAST_CYCLE`, cycles. Raises `UserError` for everything else.
    """
    ordered = sorted({0, *numbers})
    if len(ordered) == 1:
        return False
    distance = median(b - a for a, b in pairwise(ordered))
    if distance >= CLEAR_STEPS:
        return True
    if distance < CLEAR_CYCLES and ordered[-1] <= LAST_CYCLE:
        return False
    raise UserError(
        f"the cycles of the files are {listed(ordered)}: cycles of a loop, or training steps of "
        "its checkpoints? Set audit.cycles_are to cycles or steps"
    )


def in_order(numbers: Iterable[int]) -> dict[int, int]:
    """Step -> its place in their order, 0 for step 0 whether it is there or not."""
    return {step: place for place, step in enumerate(sorted({0, *numbers}))}


def listed(numbers: Collection[int]) -> str:
    """Numbers as "0, 500, 1000"; many are cut."""
    ordered = sorted(numbers)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return ", ".join(map(str, ordered[:SHOWN])) + more


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as "0-3, 5"."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
