"""Table of how many chains each amplification rule finds, with and without a gate."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__,
        "--trajectories",
        "--amplification-points",
        "--from-cycle",
        "--gate",
        "--confidence",
        "--output",
    )
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.rules import rule_rates
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    rule = (given.amplification_points, given.from_cycle, given.gate)
    write_csv(rule_rates(courses, *rule, given.confidence), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
