"""Figure of three chains, one for each outcome, with replies."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__,
        "--trajectories",
        "--scores",
        "--amplification-points",
        "--from-cycle",
        "--confidence",
        "--output-prefix",
    )
    given = parser.parse_args(argv)
    from idempotence.figures.outcomes import choose, draw
    from idempotence.figures.style import save_figure
    from idempotence.scores.files import CHAIN, read_scores
    from idempotence.stats.amplification import chains
    from idempotence.stats.trajectories import read_trajectories

    table = read_trajectories(given.trajectories)
    verdicts = chains(table, given.amplification_points, given.from_cycle)
    columns = [*CHAIN, "cycle", "question", "sample", "response"]
    said = read_scores(given.scores, columns, choose(verdicts))
    save_figure(*draw(table, verdicts, said, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
