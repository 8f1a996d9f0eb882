"""Figure of three chains, one for each outcome, with replies."""

from idempotence.arguments import argument_parser
from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(
        __doc__,
        "--scores",
        "--amplification-points",
        "--from-cycle",
        "--confidence",
        "--output-prefix",
    )
    given = parser.parse_args(argv)
    from idempotence.figures.outcomes import draw
    from idempotence.figures.style import save_figure
    from idempotence.stats.amplification import chains
    from idempotence.stats.scores import CHAIN, read_scores
    from idempotence.stats.trajectories import NEEDED, trajectories

    table = trajectories(read_scores(given.scores, NEEDED), given.confidence)
    verdicts = chains(table, given.amplification_points, given.from_cycle)
    said = read_scores(given.scores, [*CHAIN, "cycle", "question", "sample", "response"])
    save_figure(*draw(table, verdicts, said, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
