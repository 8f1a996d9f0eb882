"""Measure the cycle-0 model of one trait at every learning rate of the config."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import judge_arguments


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: panel, rates")
    parser.add_argument("--model", required=True, help="folder or hub name of the initial model")
    judge_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, help="scores at every rate (JSON)")
    given = parser.parse_args(argv)
    from idempotence.cycle_zero.learning_rates import try_learning_rates
    from idempotence.judge.back_ends import open_judge

    judge = open_judge(given.settings["judge"], given.judge, given.api, given.cache)
    try_learning_rates(given.settings, given.model, judge, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
