"""Table of the trait's slopes by a mixed model, pooled least squares and GEE."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--confidence", "--output")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.mixed_model import mixed_model
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    write_csv(mixed_model(courses, given.confidence), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
