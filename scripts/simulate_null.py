"""Tables of how often each amplification rule fires when nothing changes."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__, "--scores", "--amplification-points", "--from-cycle", "--gate", "--seed"
    )
    parser.add_argument("--output-rates", type=Path, required=True, help="CSV: share of each rule")
    parser.add_argument(
        "--output-quantiles", type=Path, required=True, help="CSV: the published statistic"
    )
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.scores.files import read_scores
    from idempotence.stats.null_rate import NEEDED, null_rates

    rule = (given.amplification_points, given.from_cycle, given.gate)
    rates, quantiles = null_rates(read_scores(given.scores, NEEDED), *rule, given.seed)
    write_csv(rates, given.output_rates)
    write_csv(quantiles, given.output_quantiles)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
