"""Figure of DPO from the last model against DPO from the initial one."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    from idempotence.figures.dpo import draw
    from idempotence.figures.style import save_figure
    from idempotence.stats.scores import read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    table = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    save_figure(*draw(table, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
