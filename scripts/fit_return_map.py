"""The map of one cycle: each score on the one before, its drift and its fixed points."""

from pathlib import Path

from idempotence.jobs.parts import Loops


def fit_return_map(
    trajectories: Path,
    loops: Loops,
    peak_coherence: float,
    confidence: float,
    output: Path,
    output_bins: Path,
    output_points: Path,
) -> None:
    """Fit each cycle's score on the one before.

    trajectories: the study's trajectories.parquet.
    loops: the study's settings.
    peak_coherence: least coherence (points) at both ends of a coherent step.
    confidence: of intervals, as 0.95.
    output: table to write, slopes and drifts beside what theory foretells (CSV; Parquet beside it).
    output_bins: table to write, mean drift in bins of the score (CSV; Parquet beside it).
    output_points: table to write, fixed points (CSV; Parquet beside it).
    """
    from idempotence.io import read_table, write_table
    from idempotence.stats.return_map import return_map

    tables = return_map(read_table(trajectories), loops, peak_coherence, confidence)
    write_table(tables.estimands, output)
    write_table(tables.bins, output_bins)
    write_table(tables.points, output_points)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(fit_return_map)
