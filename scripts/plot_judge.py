"""Figure of the judge against exact truth on the study's own responses."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores", "--output-prefix")
    given = parser.parse_args(argv)
    from idempotence.figures.judge import draw
    from idempotence.figures.style import save_figure
    from idempotence.scores.files import read_scores
    from idempotence.stats.judge_truth import NEEDED

    save_figure(*draw(read_scores(given.scores, NEEDED)), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
