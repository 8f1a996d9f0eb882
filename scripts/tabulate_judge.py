"""Table of the judge against exact truth on the study's own responses."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores", "--output")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.scores.files import read_scores
    from idempotence.stats.judge_truth import NEEDED, judge_truth

    write_csv(judge_truth(read_scores(given.scores, NEEDED)), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
