"""Chains with their verdicts, and how many amplified."""

from pathlib import Path


def summarise_chains(
    trajectories: Path,
    amplification_points: float,
    from_cycle: int,
    peak_coherence: float,
    confidence: float,
    output_chains: Path,
    output_amplification: Path,
) -> None:
    """Give each chain its verdict, and count the verdicts.

    trajectories: the study's trajectories.parquet.
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at.
    peak_coherence: coherence (points) that a chain must have while it rises.
    confidence: of intervals, as 0.95.
    output_chains: table to write, one chain per row (CSV; Parquet beside it).
    output_amplification: table to write, shares that amplified (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.scores.schema import CHAIN
    from idempotence.stats import amplification
    from idempotence.stats.peak import rises

    courses = read_table(trajectories)
    chains = amplification.chains(courses, amplification_points, from_cycle)
    chains = chains.merge(rises(courses, peak_coherence), on=CHAIN)
    write_table(chains, output_chains)
    write_table(amplification.amplification(chains, confidence), output_amplification)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(summarise_chains)
