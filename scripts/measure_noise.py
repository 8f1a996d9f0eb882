"""The noise of scores: one model scored twice, and which changes are within the difference."""

from pathlib import Path


def measure_noise(
    trajectories: Path,
    initial: Path,
    again: Path,
    chains: Path,
    confidence: float,
    output_floor: Path,
    output_changes: Path,
) -> None:
    """Compare two scorings of the same models, and each chain's change with their difference.

    trajectories: the study's trajectories.parquet.
    initial: scores of the initial models (Parquet).
    again: second scores of the initial models and of cycle 0 (Parquet).
    chains: table of chains (Parquet).
    confidence: share of differences that the floor is to hold, as 0.95.
    output_floor: table to write, the floor of each setting (CSV; Parquet beside it).
    output_changes: table to write, each chain's change beside it (CSV; Parquet beside it).
    """
    import pandas as pd

    from idempotence.io import read_table, write_table
    from idempotence.scores.files import read_scores
    from idempotence.stats.noise_floor import changes, floors, scored_twice
    from idempotence.stats.trajectories import OF_SCORES, mean_scores

    courses = read_table(trajectories)
    initial_means = mean_scores(read_scores(initial, OF_SCORES), confidence)
    first = pd.concat([courses[courses["cycle"] == 0], initial_means])
    second = mean_scores(read_scores(again, OF_SCORES), confidence)
    noise = floors(scored_twice(first, second), confidence)
    write_table(noise, output_floor)
    write_table(changes(read_table(chains), noise), output_changes)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(measure_noise)
