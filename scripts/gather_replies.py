"""Put an audit's scores of all traits into the study's one file."""

from pathlib import Path


def gather_replies(
    inputs: list[Path], output_scores: Path, output_initial: Path, output_training: Path
) -> None:
    """Put an audit's scores of all traits into the study's one file.

    inputs: scores of each trait (Parquet).
    output_scores: the study's scores (Parquet) to write.
    output_initial: scores of the initial models to write: none are known, so the file has no rows.
    output_training: training log to write, without rows (CSV; Parquet beside it).
    """
    from idempotence.audit.gather import gather_replies as gather

    gather(inputs, output_scores, output_initial, output_training)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gather_replies)
