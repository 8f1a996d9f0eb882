"""Slopes of trait score and coherence over the cycles, clustered by chain."""

from pathlib import Path


def fit_slopes(trajectories: Path, confidence: float, output: Path) -> None:
    """Fit a slope over the cycles to trait score and coherence.

    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.slopes import slopes

    write_table(slopes(read_table(trajectories), confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_slopes)
