"""Figure of changes after the first cycle against the bounds of equivalence."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--confidence", "--table", "--output-prefix")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.equivalence import draw
    from idempotence.figures.style import save_figure

    save_figure(*draw(pd.read_csv(given.table), given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
