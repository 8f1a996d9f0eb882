"""What becomes of a trait over hyper-parameters."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def map_outcomes(
    trajectories: Path,
    chains: Path,
    loops: Loops,
    amplification_points: float,
    peak_coherence: float,
    confidence: float,
    output: Path,
) -> None:
    """Count the outcomes of each setting's doses, beside its hyper-parameters.

    trajectories: the study's trajectories.parquet.
    chains: table of chains (Parquet).
    loops: the study's settings.
    amplification_points: rise (points) that counts as amplification, > 0.
    peak_coherence: least coherence (points) at which a rise counts.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.outcome_map import outcome_map

    read = read_table(trajectories), read_table(chains)
    rule = amplification_points, peak_coherence, confidence
    write_table(outcome_map(*read, loops, *rule), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(map_outcomes)
