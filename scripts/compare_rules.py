"""Table of how many chains each amplification rule finds, with and without a gate."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--amplification-points", type=float, required=True, help="points, > 0")
    parser.add_argument("--from-cycle", type=int, required=True, help="the rule's first cycle")
    parser.add_argument("--gate", type=float, required=True, help="points of coherence")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument("--output", type=Path, required=True, help="CSV to write")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.rules import rule_rates
    from idempotence.stats.scores import read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    courses = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    rule = (given.amplification_points, given.from_cycle, given.gate)
    write_csv(rule_rates(courses, *rule, given.confidence), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
