"""Figure of one setting: trait score and coherence over cycles, a line for each cell."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--setting", "--output-prefix")
    parser.add_argument("--initial", type=Path, help="scores of the initial models, dashed")
    parser.add_argument("--confidence", type=float, required=True, help="of the bands, as 0.95")
    given = parser.parse_args(argv)
    from idempotence.figures.style import save_figure
    from idempotence.figures.trajectories import draw
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import MEASURES, read_trajectories

    table = read_trajectories(given.trajectories)
    initial = None
    if given.initial:
        initial = read_scores(given.initial, ["model", "trait", *MEASURES])
    save_figure(*draw(table, initial, given.setting, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
