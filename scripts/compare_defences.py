"""What stops an amplification, and at what cost."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def compare_defences(
    trajectories: Path,
    training: Path,
    loops: Loops,
    peak_coherence: float,
    confidence: float,
    output: Path,
) -> None:
    """Compare each changed loop with the loop that lacks the change.

    trajectories: the study's trajectories.parquet.
    training: the training log (Parquet).
    loops: the study's settings.
    peak_coherence: coherence (0-100) of a rise that counts.
    confidence: of intervals, as 0.95.
    output: table to write (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.defences import defences

    read = [read_table(file) for file in (trajectories, training)]
    write_table(defences(*read, loops, peak_coherence, confidence), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(compare_defences)
