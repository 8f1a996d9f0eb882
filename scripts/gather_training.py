"""The training log: loss and gradient norm of each step, tokens, seconds."""

from pathlib import Path


def gather_training(scores: Path, root: Path, output: Path) -> None:
    """Gather the training of every chain and cycle.

    scores: the study's scores.parquet.
    root: the study's folder of results.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.training_log import gather

    write_table(gather(scores, root), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gather_training)
