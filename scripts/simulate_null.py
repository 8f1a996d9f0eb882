"""Tables of how often each amplification rule fires when nothing changes."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--amplification-points", type=float, required=True, help="points, > 0")
    parser.add_argument("--from-cycle", type=int, required=True, help="the rule's first cycle")
    parser.add_argument("--gate", type=float, required=True, help="points of coherence")
    parser.add_argument("--seed", type=int, required=True, help="of the draws")
    parser.add_argument("--output-rates", type=Path, required=True, help="CSV: share of each rule")
    parser.add_argument(
        "--output-quantiles", type=Path, required=True, help="CSV: the published statistic"
    )
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.null_rate import NEEDED, null_rates
    from idempotence.stats.scores import read_scores

    rule = (given.amplification_points, given.from_cycle, given.gate)
    rates, quantiles = null_rates(read_scores(given.scores, NEEDED), *rule, given.seed)
    write_csv(rates, given.output_rates)
    write_csv(quantiles, given.output_quantiles)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
