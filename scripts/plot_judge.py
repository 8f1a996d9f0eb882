"""Figure of the judge against exact truth on the study's own responses."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    from idempotence.figures.judge import draw
    from idempotence.figures.style import save_figure
    from idempotence.stats.judge_truth import NEEDED
    from idempotence.stats.scores import read_scores

    save_figure(*draw(read_scores(given.scores, NEEDED)), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
