"""How far a trait rises, at what cost, and what is left of it."""

from pathlib import Path


def fit_course(
    trajectories: Path, chains: Path, from_cycle: int, confidence: float, output: Path
) -> None:
    """Estimate what becomes of a trait over a chain's course.

    trajectories: the study's trajectories.parquet.
    chains: table of chains (Parquet).
    from_cycle: first of the late cycles.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.course import chain_courses, course

    courses = chain_courses(read_table(trajectories), read_table(chains), from_cycle)
    write_table(course(courses, confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_course)
