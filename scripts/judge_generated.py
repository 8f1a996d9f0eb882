"""Mark the samples that are not coherent enough to be trained on."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import judge_arguments


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: judge, filter")
    judge_arguments(parser)
    parser.add_argument("--generated", type=Path, required=True, help="samples, one a line")
    parser.add_argument("--output", type=Path, required=True, help="the same, marked")
    given = parser.parse_args(argv)
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge.coherent import judge_generated

    judge = open_judge(given.settings["judge"], given.judge, given.api, given.cache)
    judge_generated(given.settings, judge, given.generated, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
