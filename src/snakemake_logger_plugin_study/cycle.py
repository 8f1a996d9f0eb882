"""What a finished cycle of a panel shows: means of its cells; chains that ended or collapsed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import fmean

READ = ["cell", "status", "reason", "trait_score", "coherence"]  # columns of scores.parquet
GONE = {"nan", "ended"}  # status of the replies of a chain without a model
MOST_MARKS = 3  # chains named in one line


@dataclass(frozen=True)
class Cycle:
    """One cycle of one panel.

    name: for people. trait, coherence: mean scores of each cell that has any, 0-100. marks: cell ->
    why its chain has ended or counts as collapsed.
    """

    name: str
    trait: tuple[float, ...]
    coherence: tuple[float, ...]
    marks: dict[str, str]

    def line(self) -> str:
        """Its scores, as text."""
        return f"{self.name}: {scores([self])}"


def read_cycle(file: str, least_coherence: float) -> Cycle:
    """Read the scores of a panel's cycle.

    least_coherence: a cell with a lower mean coherence (0-100) counts as collapsed.
    Raises `OSError` and Arrow's errors where the file is not a table of scores.
    """
    from pyarrow.parquet import read_table

    how = {"page_checksum_verification": True, "use_threads": False}
    table = read_table(file, columns=READ, **how).to_pydict()
    cells: dict[str, list[int]] = {}
    for row, cell in enumerate(table["cell"]):
        cells.setdefault(cell, []).append(row)
    trait, coherence, marks = [], [], {}
    for cell, rows in cells.items():
        mean_trait = _mean([table["trait_score"][row] for row in rows])
        mean_coherence = _mean([table["coherence"][row] for row in rows])
        trait += [] if mean_trait is None else [mean_trait]
        coherence += [] if mean_coherence is None else [mean_coherence]
        gone = [row for row in rows if table["status"][row] in GONE]
        if gone:
            marks[cell] = f"ended ({table['reason'][gone[0]] or table['status'][gone[0]]})"
        elif all(table["status"][row] == "empty" for row in rows):
            marks[cell] = "every reply is empty"
        elif mean_coherence is not None and mean_coherence < least_coherence:
            marks[cell] = f"collapsed (coherence {mean_coherence:.0f})"
    return Cycle(name_of(file), tuple(trait), tuple(coherence), marks)


def name_of(file: str) -> str:
    """Setting, model, trait, seed and cycle of a file results/<study>/.../cycle<j>/<name>."""
    *_, setting, model, trait, seed, cycle, _ = Path(file).parts
    seed, cycle = seed.replace("seed", "seed "), cycle.replace("cycle", "cycle ")
    return f"{setting} {model} {trait} {seed} {cycle}"


def scores(cycles: Sequence[Cycle]) -> str:
    """Mean scores over the cells of cycles, as text; with the range where there are several."""
    traits = [mean for cycle in cycles for mean in cycle.trait]
    coherence = [mean for cycle in cycles for mean in cycle.coherence]
    return f"trait {_spread(traits)}, coherence {_spread(coherence)}"


def shortened(marks: Sequence[str]) -> str:
    """The first few marks, and how many more there are."""
    more = len(marks) - MOST_MARKS
    return "; ".join([*marks[:MOST_MARKS], *([f"and {more} more"] if more > 0 else [])])


def _spread(means: Sequence[float]) -> str:
    if not means:
        return "not scored"
    low, high = min(means), max(means)
    return f"{fmean(means):.0f}" + (f" ({low:.0f} to {high:.0f})" if len(means) > 1 else "")


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and isfinite(value)]
    return fmean(known) if known else None
