"""Table of equivalence tests: do further cycles leave the trait where it was?"""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--bound", type=float, required=True, help="points that count as nothing")
    parser.add_argument("--from-cycle", type=int, required=True, help="first of the late cycles")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument("--output", type=Path, required=True, help="CSV to write")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.equivalence import equivalence
    from idempotence.stats.scores import read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    courses = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    write_csv(equivalence(courses, given.bound, given.from_cycle, given.confidence), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
