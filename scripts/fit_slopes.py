"""Slopes of trait score and coherence over the cycles, clustered by chain."""

from pathlib import Path


def fit_slopes(trajectories: Path, confidence: float, output: Path) -> None:
    """Fit a slope over the cycles to trait score and coherence.

    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.stats.slopes import slopes
    from idempotence.stats.trajectories import read_trajectories

    write_table(slopes(read_trajectories(trajectories), confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_slopes)
