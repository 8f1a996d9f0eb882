"""How far courses of one dose scatter: what the power of tests is computed with."""

from pathlib import Path


def estimate_noise(trajectories: Path, output: Path) -> None:
    """Estimate the scatter of courses between panels, chains and cycles.

    trajectories: the study's trajectories.parquet.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.noise import noise

    write_table(noise(read_table(trajectories)), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(estimate_noise)
