"""Slopes of text metrics over the cycles."""

from pathlib import Path


def fit_metrics(trajectories: Path, confidence: float, output: Path) -> None:
    """Fit a slope over the cycles to each text metric.

    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.slopes import slopes
    from idempotence.stats.trajectories import TEXT_METRICS

    write_table(slopes(read_table(trajectories), confidence, TEXT_METRICS), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_metrics)
