"""Tables of trajectories, of chains with their verdict, and of how many amplified."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__, "--trajectories", "--amplification-points", "--from-cycle", "--confidence"
    )
    parser.add_argument("--output-chains", type=Path, required=True, help="CSV to write")
    parser.add_argument("--output-amplification", type=Path, required=True, help="CSV to write")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats import amplification
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    chains = amplification.chains(courses, given.amplification_points, given.from_cycle)
    rates = amplification.amplification(chains, given.confidence)
    write_csv(chains, given.output_chains)
    write_csv(rates, given.output_amplification)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
