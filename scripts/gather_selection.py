"""The scores of chosen samples beside those of all that they were chosen from."""

from pathlib import Path


def gather_selection(inputs: list[Path], root: Path, output: Path) -> None:
    """Gather what a judge's choice among samples did, chain by chain and cycle by cycle.

    inputs: judged candidates of panels and cycles.
    root: the study's folder of results.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.selection import gather_selection as gather

    write_table(gather(inputs, root), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(gather_selection)
