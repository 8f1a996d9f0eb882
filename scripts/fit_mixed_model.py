"""The trait's slopes by a mixed model, pooled least squares and GEE."""

from pathlib import Path


def fit_mixed_model(trajectories: Path, confidence: float, output: Path) -> None:
    """Fit the trait's slope in each setting by three models.

    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.mixed_model import mixed_model

    write_table(mixed_model(read_table(trajectories), confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_mixed_model)
