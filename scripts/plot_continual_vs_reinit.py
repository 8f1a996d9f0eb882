"""Figure of continual chains beside their re-initialised twins."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True, help="continual_pairs.csv")
    parser.add_argument("--means", type=Path, required=True, help="continual.csv")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
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
