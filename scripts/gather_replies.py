"""Put an audit's scores of all traits into the study's one file."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="judge_replies.py's")
    parser.add_argument("--output-scores", type=Path, required=True, help="scores.parquet")
    parser.add_argument("--output-initial", type=Path, required=True, help="initial.parquet")
    parser.add_argument("--output-training", type=Path, required=True, help="training.csv")
    given = parser.parse_args(argv)
    from idempotence.audit.gather import gather_replies

    gather_replies(given.inputs, given.output_scores, given.output_initial, given.output_training)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
