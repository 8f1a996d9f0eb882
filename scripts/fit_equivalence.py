"""Table of equivalence tests: do further cycles leave the trait where it was?"""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--confidence", "--output")
    parser.add_argument("--bound", type=float, required=True, help="points that count as nothing")
    parser.add_argument("--from-cycle", type=int, required=True, help="first of the late cycles")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.equivalence import equivalence
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    write_csv(equivalence(courses, given.bound, given.from_cycle, given.confidence), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
