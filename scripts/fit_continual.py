"""Tables of continual chains against their re-initialised twins."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--chains", "--confidence")
    parser.add_argument(
        "--output-pairs", type=Path, required=True, help="CSV: a pair of twins a row"
    )
    parser.add_argument("--output-means", type=Path, required=True, help="CSV: mean differences")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.io import write_csv
    from idempotence.stats.continual import continual, continual_pairs

    pairs = continual_pairs(pd.read_csv(given.chains))
    write_csv(pairs, given.output_pairs)
    write_csv(continual(pairs, given.confidence), given.output_means)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
