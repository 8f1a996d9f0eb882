"""What the loop's jobs cost: seconds, tokens and replies by stage and setting."""

import json
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores")
    parser.add_argument("--training", type=Path, required=True, help="training.csv")
    parser.add_argument("--benchmarks", type=Path, required=True, help="results/<study>/benchmarks")
    parser.add_argument(
        "--endpoints", type=json.loads, default={}, help="JSON: role -> cache, price_in, price_out"
    )
    parser.add_argument("--copied", nargs="*", default=[], help="settings with a twin's cycle 0")
    parser.add_argument("--output", type=Path, required=True, help="costs.csv")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.report.costs import costs

    made = costs(given.scores, given.training, given.benchmarks, given.endpoints, given.copied)
    write_csv(made, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
