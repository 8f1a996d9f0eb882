"""The shape of the authors' chains beside that of the study's."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def compare_shapes(
    trajectories: Path, authors: Path, loops: Loops, confidence: float, seed: int, output: Path
) -> None:
    """Compare change, slope and contraction of the authors' chains with the study's.

    trajectories: the study's trajectories.parquet.
    authors: the authors' own scores (CSV).
    loops: the study's settings.
    confidence: of intervals, as 0.95.
    seed: of random draws of panels.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.published.series import load_chains
    from idempotence.stats.shapes import shapes

    chains = load_chains(authors)
    write_table(shapes(read_table(trajectories), chains, loops, confidence, seed), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(compare_shapes)
