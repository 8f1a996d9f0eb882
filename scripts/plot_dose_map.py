"""Figure of one setting: how far the trait rose, over the doses."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=Path, required=True, help="the table of chains (CSV)")
    parser.add_argument("--setting", required=True, help="the setting to draw")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    import pandas as pd

    from idempotence.figures.dose_map import draw
    from idempotence.figures.style import save_figure

    save_figure(*draw(pd.read_csv(given.chains), given.setting), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
