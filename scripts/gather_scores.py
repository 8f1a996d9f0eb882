"""Put the scores of every panel and cycle into the study's one file."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        fromfile_prefix_chars="@",
        epilog="@FILE stands for the arguments in FILE, one a line, where a list is too long.",
    )
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="scores.parquet ...")
    parser.add_argument("--output", type=Path, required=True, help="the study's scores.parquet")
    given = parser.parse_args(argv)
    from idempotence.scores.files import gather_scores

    rows = gather_scores(given.inputs, given.output)
    print(f"{given.output}: {rows} responses of {len(given.inputs)} files")
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
