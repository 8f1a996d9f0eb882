"""Figure of continual chains beside their re-initialised twins."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--confidence", "--output-prefix")
    parser.add_argument("--pairs", type=Path, required=True, help="continual_pairs.csv")
    parser.add_argument("--means", type=Path, required=True, help="continual.csv")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.continual_vs_reinit import draw
    from idempotence.figures.style import save_figure

    save_figure(
        *draw(pd.read_csv(given.pairs), pd.read_csv(given.means), given.confidence),
        stem=given.output_prefix,
    )
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
