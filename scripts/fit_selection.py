"""Selection gap and drift of each cycle, where samples are chosen from."""

from pathlib import Path


def fit_selection(selection: Path, trajectories: Path, confidence: float, output: Path) -> None:
    """Average selection gaps and drifts over panels, cycle by cycle.

    selection: table of chains and cycles whose samples were chosen from (Parquet).
    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.selection import selection as averaged
    from idempotence.stats.selection import with_drift

    chains = with_drift(read_table(selection), read_table(trajectories))
    write_table(averaged(chains, confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_selection)
