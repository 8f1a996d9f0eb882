"""A finished study's scores, small enough to be shipped."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.jobs.parts import Loops


def ship_scores(
    scores: Path,
    initial: Path,
    training: Path,
    loops: Loops,
    output: Path,
    others: Sequence[Path] = (),
) -> None:
    """Write a finished study's scores small enough to be shipped, and what a new run must come to.

    scores: the study's scores.parquet.
    initial: scores of the initial models (Parquet).
    training: the training log (Parquet).
    loops: the study's settings, written beside the scores.
    output: folder to write.
    others: files to copy along.
    """
    from idempotence.io import write_csv, write_text
    from idempotence.scores.expected import expectations
    from idempotence.scores.shipped import EXPECTED, ship

    ship(scores, initial, training, list(others), output)
    write_text(output / "loops.json", loops.to_json() + "\n")
    write_csv(expectations(str(scores), str(initial)), output / EXPECTED)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(ship_scores)
