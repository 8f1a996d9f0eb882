"""Tables of doses: log odds of amplification, and verdicts that flip between neighbours."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--chains", "--confidence")
    parser.add_argument("--output-model", type=Path, required=True, help="CSV: log odds a doubling")
    parser.add_argument("--output-flips", type=Path, required=True, help="CSV: shares of flips")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.io import write_csv
    from idempotence.stats.dose import dose_flips, dose_model, dose_pairs

    chains = pd.read_csv(given.chains)
    write_csv(dose_model(chains, given.confidence), given.output_model)
    write_csv(dose_flips(dose_pairs(chains), given.confidence), given.output_flips)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
