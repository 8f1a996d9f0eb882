"""Table of how text metrics move over the cycles."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--confidence", "--output")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.slopes import slopes
    from idempotence.stats.trajectories import TEXT_METRICS, read_trajectories

    table = read_trajectories(given.trajectories)
    write_csv(slopes(table, given.confidence, TEXT_METRICS), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
