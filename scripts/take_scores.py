"""A shipped study's scores in the place of a study's own."""

from pathlib import Path


def take_scores(
    folder: Path,
    settings: list[str],
    output_scores: Path,
    output_initial: Path,
    output_training: Path,
) -> None:
    """Take the scores of a shipped study.

    folder: what ship_scores.py wrote.
    settings: names of the config's settings.
    output_scores: scores.parquet, to write.
    output_initial: initial.parquet, to write.
    output_training: training log to write (CSV; Parquet beside it).
    """
    from idempotence.scores.shipped import take

    take(folder, settings, output_scores, output_initial, output_training)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(take_scores)
