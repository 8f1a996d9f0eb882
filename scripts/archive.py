"""A finished study in one file to publish."""

from collections.abc import Sequence
from pathlib import Path


def archive(
    root: Path,
    study: str,
    scores: Path,
    initial: Path,
    training: Path,
    run: Path,
    others: Sequence[Path],
    output: Path,
    rebuilds: bool = False,
) -> None:
    """Put a finished study into one zip: config, scores, tables, figures, provenance (RO-Crate).

    root: the study's results.
    study: its name.
    scores: the study's scores.parquet.
    initial: scores of the initial models (Parquet).
    training: the training log (Parquet).
    run: which run this was, run.json.
    others: further files of the study.
    output: the zip to write.
    rebuilds: whether its tables can be made again from its scores.
    """
    from idempotence.io import read_json
    from idempotence.report.archive import files_of, write_archive

    files = files_of(root, [scores, initial, training], [run, *others])
    write_archive(files, read_json(run), study, rebuilds, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(archive)
