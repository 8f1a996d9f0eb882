"""Gather every chain's training: loss and gradient norm of each step, tokens, seconds."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="training.json files")
    parser.add_argument("--root", type=Path, required=True, help="results/<study>")
    parser.add_argument("--output", type=Path, required=True, help="training.csv")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.training_log import gather

    write_csv(gather(given.inputs, given.root), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
