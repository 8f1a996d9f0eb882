"""Wall time of a small study through Snakemake over the same arithmetic in one bare process."""

import argparse
import sys

from common import ROOT, seconds_of, snakemake, spread, write


def bare() -> float:
    """Seconds of the bare loop, its start-up included."""
    config = ["config.yaml", "benchmarks/study.yaml"]
    return seconds_of(
        [sys.executable, "benchmarks/bare_loop.py", "--config", *config], ROOT,
        {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="pairs of runs (default: 2)")
    given = parser.parse_args()
    # in turn, so that a slow minute of the machine slows both; one core each
    pairs = [(snakemake(1, "scores"), bare()) for _ in range(given.repeats)]
    rows = [
        {"what": "workflow, seconds", **spread([ours for ours, _ in pairs])},
        {"what": "bare loop, seconds", **spread([theirs for _, theirs in pairs])},
        {"what": "overhead, ratio", **spread([ours / theirs for ours, theirs in pairs])},
    ]
    print(write("overhead", rows))


if __name__ == "__main__":
    main()
