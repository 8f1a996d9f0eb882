"""Figure of changes after the first cycle against the bounds of equivalence."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="equivalence.csv")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.equivalence import draw
    from idempotence.figures.style import save_figure

    save_figure(*draw(pd.read_csv(given.table), given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
