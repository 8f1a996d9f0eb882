"""Score a panel's answers: trait and coherence by the judge, exact truth, text metrics."""

import argparse
import json
import sys
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import judge_arguments


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: panel, judge")
    parser.add_argument("--second", action="store_true", help="by the config's second judge")
    role = "second_judge" if "--second" in (sys.argv if argv is None else argv) else "judge"
    judge_arguments(parser, role)
    parser.add_argument("--calibration", type=Path, help="doses of calibrated levels")
    parser.add_argument("--responses", type=Path, required=True, help="answers, one a line")
    parser.add_argument("--output", type=Path, required=True, help="scores.parquet")
    given = parser.parse_args(argv)
    from idempotence.io import read_json
    from idempotence.judge.back_ends import open_judge
    from idempotence.judge.score import judge_panel

    calibration = read_json(given.calibration) if given.calibration else {}
    judge = open_judge(given.settings["judge"], given.judge, given.api, given.cache, role)
    judge_panel(given.settings, judge, calibration, given.responses, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
