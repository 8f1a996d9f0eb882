"""Figure of DPO from the last model against DPO from the initial one."""

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--trajectories", "--confidence", "--output-prefix")
    given = parser.parse_args(argv)
    from idempotence.figures.dpo import draw
    from idempotence.figures.style import save_figure
    from idempotence.stats.trajectories import read_trajectories

    table = read_trajectories(given.trajectories)
    save_figure(*draw(table, given.confidence), stem=given.output_prefix)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
