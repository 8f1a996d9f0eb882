"""Table of the judge against exact truth on the study's own responses."""

from idempotence.arguments import argument_parser
from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores", "--output")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.stats.judge_truth import NEEDED, judge_truth
    from idempotence.stats.scores import read_scores

    write_csv(judge_truth(read_scores(given.scores, NEEDED)), given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
