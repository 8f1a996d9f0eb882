"""Equivalence tests: do further cycles leave the trait where it was?"""

from pathlib import Path


def fit_equivalence(
    trajectories: Path, bound: float, from_cycle: int, confidence: float, output: Path
) -> None:
    """Test whether the trait's change is equivalent to none.

    trajectories: the study's trajectories.parquet.
    bound: change (points) up to which a trait counts as unchanged.
    from_cycle: first of the late cycles.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.equivalence import equivalence

    courses = read_table(trajectories)
    write_table(equivalence(courses, bound, from_cycle, confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_equivalence)
