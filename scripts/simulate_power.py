"""What the claims' tests would say if the paper were right, and if it were wrong."""

from pathlib import Path

from idempotence.jobs.parts import Grid, Loops


def simulate_power(
    claims: Path,
    noise: Path,
    loops: Loops,
    grid: Grid,
    amplification_points: float,
    from_cycle: int,
    gate: float,
    peak_coherence: float,
    bound: float,
    confidence: float,
    seed: int,
    output: Path,
) -> None:
    """Simulate the study under each claim's scenarios, and judge the claims.

    claims: the tests (YAML).
    noise: the scatter of courses to expect (CSV).
    loops: the study's settings and which of them are twins.
    grid: the study's chains.
    amplification_points: rise (points) that counts as amplification, > 0.
    from_cycle: first cycle that the rule looks at.
    gate: coherence (points) that a gated rule needs.
    peak_coherence: coherence (points) that a chain must have while it rises.
    bound: changes within so many points count as nothing.
    confidence: of intervals, as 0.95.
    seed: of the draws.
    output: table to write (CSV; Parquet beside it).
    """
    import pandas as pd

    from idempotence.claims.definition import load_claims
    from idempotence.claims.draws import Analysis
    from idempotence.claims.power import Planned, power
    from idempotence.claims.rule_words import in_words_of
    from idempotence.io import write_table

    planned = Planned(loops, grid, pd.read_csv(noise), seed)
    rule = (amplification_points, from_cycle, gate, peak_coherence, bound, confidence)
    tests = in_words_of(load_claims(claims), amplification_points, from_cycle, peak_coherence)
    write_table(power(tests, planned, Analysis(*rule)), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(simulate_power)
