"""Tables of relaxation: an exponential for each chain, and the contraction of a step."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--confidence")
    parser.add_argument("--seed", type=int, required=True, help="of the bootstrap's draws")
    parser.add_argument("--output-chains", type=Path, required=True, help="CSV of the chains' fits")
    parser.add_argument(
        "--output-contraction", type=Path, required=True, help="CSV of settings and traits"
    )
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.relaxation import chain_fits, contraction
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    write_csv(chain_fits(courses), given.output_chains)
    write_csv(contraction(courses, given.confidence, given.seed), given.output_contraction)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
