"""Figure of the rises that a model shows which does not change."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--output-prefix")
    parser.add_argument("--quantiles", type=Path, required=True, help="null_quantiles.csv")
    parser.add_argument("--rates", type=Path, required=True, help="null_rate.csv")
    parser.add_argument("--amplification-points", type=float, required=True, help="the threshold")
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.null import draw
    from idempotence.figures.style import save_figure

    save_figure(
        *draw(pd.read_csv(given.quantiles), pd.read_csv(given.rates), given.amplification_points),
        stem=given.output_prefix,
    )
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
