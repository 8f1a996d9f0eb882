"""Continual chains against their re-initialised twins."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def fit_continual(
    chains: Path, loops: Loops, confidence: float, output_pairs: Path, output_means: Path
) -> None:
    """Compare each chain that goes on from the last weights with its re-initialised twin.

    chains: table of chains (Parquet).
    loops: the study's settings and which of them are twins.
    confidence: of intervals, as 0.95.
    output_pairs: table to write, one pair of chains per row (CSV; Parquet beside it).
    output_means: table to write, mean differences (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.continual import continual, continual_pairs

    pairs = continual_pairs(read_table(chains), loops.twins)
    write_table(pairs, output_pairs)
    write_table(continual(pairs, confidence), output_means)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_continual)
