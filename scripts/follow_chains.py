"""Trajectories: where each chain stands at each cycle, from the study's scores."""

from pathlib import Path


def follow_chains(
    scores: Path, confidence: float, output: Path, output_exact: Path, least_replies: int = 1
) -> None:
    """Take the means of each chain at each cycle.

    scores: the study's scores.parquet.
    confidence: of intervals, as 0.95.
    output: table to write (CSV).
    output_exact: the same table with every digit (Parquet), for the other scripts.
    least_replies: scored replies of a cycle without which it has no mean score.
    """
    from idempotence.io import write_csv, write_parquet
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    courses = trajectories(read_scores(scores, NEEDED), confidence, least_replies)
    write_parquet(courses, output_exact)
    write_csv(courses, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(follow_chains)
