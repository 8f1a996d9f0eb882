"""Figure of three chains, one for each outcome, with replies."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, required=True, help="the study's scores.parquet")
    parser.add_argument("--amplification-points", type=float, required=True, help="points, > 0")
    parser.add_argument("--from-cycle", type=int, required=True, help="the rule's first cycle")
    parser.add_argument("--confidence", type=float, required=True, help="of intervals, as 0.95")
    parser.add_argument(
        "--output-prefix", type=Path, required=True,
        help="path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    )  # fmt: skip
    given = parser.parse_args(argv)
    from idempotence.figures.outcomes import draw
    from idempotence.figures.style import save_figure
    from idempotence.stats.amplification import chains
    from idempotence.stats.scores import CHAIN, read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    table = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    verdicts = chains(table, given.amplification_points, given.from_cycle)
    said = read_scores(given.scores, [*CHAIN, "cycle", "question", "sample", "response"])
    save_figure(*draw(table, verdicts, said, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
