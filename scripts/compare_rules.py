"""How many chains each amplification rule calls amplified, with and without a gate."""

from pathlib import Path


def compare_rules(
    trajectories: Path,
    amplification_points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    confidence: float,
    output: Path,
) -> None:
    """Count the chains that each amplification rule calls amplified.

    trajectories: the study's trajectories.parquet.
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at.
    gate: coherence (points) that a gated rule needs.
    peak_coherence: coherence (points) that the rule "peak" needs.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.rules import rule_rates

    rule = (amplification_points, from_cycle, gate, peak_coherence)
    write_table(rule_rates(read_table(trajectories), *rule, confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(compare_rules)
