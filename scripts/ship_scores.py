"""A finished study's scores, small enough to be shipped."""

from collections.abc import Sequence
from pathlib import Path


def ship_scores(
    scores: Path, initial: Path, training: Path, output: Path, others: Sequence[Path] = ()
) -> None:
    """Write a finished study's scores small enough to be shipped.

    scores: the study's scores.parquet.
    initial: scores of the initial models (Parquet).
    training: the training log (Parquet).
    output: folder to write.
    others: files to copy along.
    """
    from idempotence.scores.shipped import ship

    ship(scores, initial, training, list(others), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(ship_scores)
