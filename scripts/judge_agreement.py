"""Tables of how far two judges agree on the same replies, and on which chains amplify."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__, "--scores", "--amplification-points", "--from-cycle", "--confidence"
    )
    parser.add_argument("--second", type=Path, required=True, help="scores by the second judge")
    parser.add_argument("--output-agreement", type=Path, required=True, help="CSV to write")
    parser.add_argument("--output-verdicts", type=Path, required=True, help="CSV to write")
    given = parser.parse_args(argv)
    from idempotence.io import write_csv
    from idempotence.scores.files import read_scores
    from idempotence.stats.judge_agreement import (
        NEEDED,
        judge_agreement,
        paired,
        verdict_confusion,
    )

    first, second = (read_scores(path, NEEDED) for path in (given.scores, given.second))
    write_csv(judge_agreement(paired(first, second), given.confidence), given.output_agreement)
    rule = given.amplification_points, given.from_cycle
    write_csv(verdict_confusion(first, second, *rule, given.confidence), given.output_verdicts)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
