"""Take the scores of a shipped study instead of making them."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="what ship_scores.py wrote")
    parser.add_argument("--settings", nargs="+", required=True, help="the config's settings")
    parser.add_argument("--output-scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--output-initial", type=Path, required=True, help="initial.parquet")
    parser.add_argument("--output-training", type=Path, required=True, help="training.csv")
    given = parser.parse_args(argv)
    from idempotence.scores.shipped import take

    outputs = (given.output_scores, given.output_initial, given.output_training)
    take(given.folder, given.settings, *outputs)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
