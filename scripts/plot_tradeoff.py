"""Figure of what a change of the trait costs in coherence."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--confidence", "--output-prefix")
    parser.add_argument("--changes", type=Path, required=True, help="tradeoff_chains.csv")
    parser.add_argument("--slopes", type=Path, required=True, help="tradeoff.csv")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.style import save_figure
    from idempotence.figures.tradeoff import draw

    save_figure(
        *draw(pd.read_csv(given.changes), pd.read_csv(given.slopes), given.confidence),
        stem=given.output_prefix,
    )
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
