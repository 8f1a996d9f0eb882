"""Figure of one setting: trait score and coherence over cycles, a line for each cell."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--initial", type=Path, help="scores of the initial models, dashed")
    parser.add_argument("--setting", required=True, help="the setting to draw")
    parser.add_argument("--confidence", type=float, required=True, help="of the bands, as 0.95")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    from idempotence.figures.style import save_figure
    from idempotence.figures.trajectories import draw
    from idempotence.stats.scores import read_scores
    from idempotence.stats.trajectories import MEASURES, NEEDED, trajectories

    table = trajectories(read_scores(given.scores, NEEDED, given.setting), given.confidence)
    initial = None
    if given.initial:
        initial = read_scores(given.initial, ["model", "trait", *MEASURES])
    save_figure(*draw(table, initial, given.setting, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
