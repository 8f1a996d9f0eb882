"""Make a finished study's scores small enough to be shipped."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores")
    parser.add_argument("--initial", type=Path, required=True, help="the initial models' scores")
    parser.add_argument("--training", type=Path, required=True, help="the training log (CSV)")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="files to copy along")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    given = parser.parse_args(argv)
    from idempotence.scores.shipped import ship

    ship(given.scores, given.initial, given.training, given.others, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
