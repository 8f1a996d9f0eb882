"""The scores of every panel and cycle in the study's one file."""

from pathlib import Path


def gather_scores(inputs: list[Path], output: Path) -> None:
    """Put the scores of every panel and cycle into the study's one file.

    inputs: files of scores, one per panel and cycle (Parquet).
    output: the study's scores.parquet, to write.
    """
    from idempotence.scores.files import gather_scores as gather

    rows = gather(inputs, output)
    print(f"{output}: {rows} responses of {len(inputs)} files")


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gather_scores)
