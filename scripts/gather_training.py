"""Gather every chain's training: loss and gradient norm of each step, tokens, seconds."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores")
    parser.add_argument("--root", type=Path, required=True, help="results/<study>")
    parser.add_argument("--output", type=Path, required=True, help="training.csv")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.scores.training_log import gather

    write_csv(gather(given.scores, given.root), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
