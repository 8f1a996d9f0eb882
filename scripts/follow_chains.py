"""The table of trajectories: where each chain stands at each cycle, from the study's scores."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores", "--confidence", "--output")
    parser.add_argument(
        "--output-exact", type=Path, required=True, help="Parquet, with every digit, to count on"
    )
    given = parser.parse_args(argv)
    from idempotence.io import write_csv, write_parquet
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    courses = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    write_parquet(courses, given.output_exact)
    write_csv(courses, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
