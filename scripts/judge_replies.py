"""Score an audit's replies of one trait: own scores, judge, exact truth, text metrics."""

import argparse
import json
from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import judge_arguments


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=json.loads, required=True, help="JSON: trait, judge")
    judge_arguments(parser, required=False)
    parser.add_argument("--replies", type=Path, required=True, help="what read_replies.py wrote")
    parser.add_argument(
        "--likelihoods", type=Path, nargs="*", default=[], help="weigh_replies.py's"
    )
    parser.add_argument("--output", type=Path, required=True, help="Parquet to write")
    given = parser.parse_args(argv)
    from idempotence.audit.score import read_trait_replies, score_replies
    from idempotence.io import write_parquet
    from idempotence.judge.back_ends import open_judge

    settings = given.settings
    judge = (
        open_judge(settings["judge"], given.judge, given.api, given.cache) if given.judge else None
    )
    replies = read_trait_replies(given.replies, settings["trait"], given.likelihoods)
    write_parquet(score_replies(judge, settings, replies), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
