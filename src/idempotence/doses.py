"""Doses: the cells of a setting, and how many rows each of them trains on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One dose. sft and sdf: (level or n_seed, n_sampled); dpo: (beta, pairs).

    level: cycle-0 trait score (0-100) that the number of seed rows is calibrated for. n_seed: seed
    rows of cycle 0. n_sampled, pairs: rows or preference pairs of each later cycle. beta: strength
    of DPO's pull towards the reference. None where a dose does not apply.
    """

    name: str
    level: float | None = None
    n_seed: int | None = None
    n_sampled: int | None = None
    beta: float | None = None
    pairs: int | None = None

    @property
    def doses(self) -> dict[str, float | None]:
        """The dose as columns of a table."""
        return {name: value for name, value in asdict(self).items() if name != "name"}

    @property
    def rows_per_cycle(self) -> int:
        """Rows (sft, sdf) or pairs (dpo) that a later cycle trains on; 0 for the initial model."""
        return self.n_sampled or self.pairs or 0


DOSES = tuple(Cell("").doses)
INITIAL = Cell("initial")  # the only cell of the initial model, which has no dose


def exact(value: float) -> str:
    """A number for a name: short, and different for different numbers."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def supervised_cells(
    levels: list[float], n_seed: list[int], n_sampled: list[int]
) -> tuple[Cell, ...]:
    """Every calibrated level, or every n_seed, with every n_sampled."""
    by_level = [
        Cell(f"level{exact(level)}_sampled{n}", level=level, n_sampled=n)
        for level in levels
        for n in n_sampled
    ]
    by_count = [
        Cell(f"seed{count}_sampled{n}", n_seed=count, n_sampled=n)
        for count in n_seed
        for n in n_sampled
    ]
    return (*by_level, *by_count)


def preference_cells(beta: list[float], pairs: list[int]) -> tuple[Cell, ...]:
    """Every beta with every number of pairs."""
    return tuple(Cell(f"beta{exact(b)}_pairs{n}", beta=b, pairs=n) for b in beta for n in pairs)


def n_seed_of(cell: Cell, n_seed: int | None, calibrated: Mapping[str, int]) -> int:
    """The seed rows of a cell: those calibrated for its level, its own, or the objective's.

    n_seed: the objective's number (dpo). calibrated: level, as `exact` writes it -> seed rows.
    """
    if cell.level is not None:
        return calibrated[exact(cell.level)]
    rows = cell.n_seed or n_seed
    if rows is None:
        raise ValueError(f"the cell {cell.name} has no number of seed rows")
    return rows


def calibrated_doses(calibration: Mapping[str, Any]) -> dict[str, int]:
    """Level, as `exact` writes it -> seed rows.

    calibration: the content of the file that rule calibrate writes.
    """
    return {level: dose["n_seed"] for level, dose in calibration["levels"].items()}
