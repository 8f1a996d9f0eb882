"""Tables of what a change of the trait costs in coherence and other measures."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--chains", "--from-cycle", "--confidence")
    parser.add_argument(
        "--output-chains", type=Path, required=True, help="CSV: changes of each chain"
    )
    parser.add_argument("--output-slopes", type=Path, required=True, help="CSV: their slopes")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.io import write_csv
    from idempotence.stats.tradeoff import tradeoff, tradeoff_chains
    from idempotence.stats.trajectories import read_trajectories

    courses = read_trajectories(given.trajectories)
    changed = tradeoff_chains(courses, pd.read_csv(given.chains), given.from_cycle)
    write_csv(changed, given.output_chains)
    write_csv(tradeoff(changed, given.confidence), given.output_slopes)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
