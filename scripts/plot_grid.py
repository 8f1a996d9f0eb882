"""Figure of a setting's whole grid: a row for each trait, a column for each number of samples."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--setting", "--output-prefix")
    parser.add_argument("--initial", type=Path, required=True, help="scores of the initial models")
    given = parser.parse_args(argv)
    from idempotence.figures.grid import draw
    from idempotence.figures.style import save_figure
    from idempotence.scores.files import read_scores
    from idempotence.stats.trajectories import MEASURES, read_trajectories

    table = read_trajectories(given.trajectories)
    initial = read_scores(given.initial, ["model", "trait", *MEASURES])
    save_figure(*draw(table, initial, given.setting), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
