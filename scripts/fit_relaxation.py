"""Relaxation: an exponential for each chain, and the contraction of one cycle."""

from pathlib import Path


def fit_relaxation(
    trajectories: Path, confidence: float, seed: int, output_chains: Path, output_contraction: Path
) -> None:
    """Fit relaxation to a fixed point, for each chain and for each setting.

    trajectories: the study's trajectories.parquet.
    confidence: of intervals, as 0.95.
    seed: of the bootstrap's draws.
    output_chains: table to write, a fit for each chain (CSV; Parquet beside it).
    output_contraction: table to write, settings and traits (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.relaxation import chain_fits, contraction

    courses = read_table(trajectories)
    write_table(chain_fits(courses), output_chains)
    write_table(contraction(courses, confidence, seed), output_contraction)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_relaxation)
