"""What a change of the trait costs in coherence and other measures."""

from pathlib import Path


def fit_tradeoff(
    trajectories: Path,
    chains: Path,
    from_cycle: int,
    confidence: float,
    output_chains: Path,
    output_slopes: Path,
) -> None:
    """Regress the change of coherence and other measures on that of the trait.

    trajectories: the study's trajectories.parquet.
    chains: table of chains (Parquet).
    from_cycle: first of the late cycles.
    confidence: of intervals, as 0.95.
    output_chains: table to write, changes of each chain (CSV; Parquet beside it).
    output_slopes: table to write, their slopes (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.tradeoff import tradeoff, tradeoff_chains

    changes = tradeoff_chains(read_table(trajectories), read_table(chains), from_cycle)
    write_table(changes, output_chains)
    write_table(tradeoff(changes, confidence), output_slopes)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_tradeoff)
