"""How often each amplification rule fires when nothing changes."""

from pathlib import Path


def simulate_null(
    scores: Path,
    amplification_points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    seed: int,
    output_rates: Path,
    output_quantiles: Path,
) -> None:
    """Simulate chains that do not change, and apply each amplification rule to them.

    scores: the study's scores.parquet.
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at.
    gate: coherence (points) that a gated rule needs.
    peak_coherence: coherence (points) that the rule "peak" needs.
    seed: of the draws.
    output_rates: table to write, share of each rule (CSV; Parquet beside it).
    output_quantiles: table to write, rises by the published rule (CSV; Parquet beside it).
    """
    from idempotence.io import write_table
    from idempotence.scores.files import read_scores
    from idempotence.stats.null_rate import NEEDED, null_rates

    rule = (amplification_points, from_cycle, gate, peak_coherence)
    rates, quantiles = null_rates(read_scores(scores, NEEDED), *rule, seed)
    write_table(rates, output_rates)
    write_table(quantiles, output_quantiles)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(simulate_null)
