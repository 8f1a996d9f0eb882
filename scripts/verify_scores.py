"""Compare a fresh run of the shipped study with what was shipped."""

from pathlib import Path


def verify_scores(
    scores: Path,
    initial: Path,
    run: Path,
    expected: Path,
    floor: Path,
    expected_run: Path,
    output: Path,
    output_text: Path,
) -> None:
    """Compare a fresh run of the shipped study with what was shipped.

    scores, initial: the run's scores (Parquet).
    run, expected_run: versions and machine of the run, and of the shipped one (JSON).
    expected: what `ship_scores` says of each model (CSV).
    floor: how far two scorings of a model lie apart (CSV).
    output: table to write, a row for each model and measure (CSV).
    output_text: the verdict and what moved, to write.
    """
    import pandas as pd

    from idempotence.io import read_json, write_csv, write_text
    from idempotence.report.verification import compared, page
    from idempotence.scores.expected import expectations

    own = expectations(str(scores), str(initial))
    table = compared(pd.read_csv(expected, dtype={"sha256": str}), own, pd.read_csv(floor))
    write_csv(table, output)
    write_text(output_text, page(table, read_json(expected_run), read_json(run)))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(verify_scores)
