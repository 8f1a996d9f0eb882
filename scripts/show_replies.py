"""Page of one setting: a few replies of each trait and cell at some cycles."""

from pathlib import Path

from idempotence.arguments import argument_parser
from idempotence.errors import exit_cleanly


def cycle(text: str) -> int | str:
    """A cycle's number, or "last"."""
    return text if text == "last" else int(text)


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores")
    parser.add_argument("--setting", required=True, help="the setting to show")
    parser.add_argument(
        "--cycles", type=cycle, nargs="+",
        help="cycles, or 'last' (default: 0 3 last, as far as the study goes)",
    )  # fmt: skip
    parser.add_argument("--replies", type=int, default=2, help="for each cycle (default: 2)")
    parser.add_argument("--output", type=Path, required=True, help="HTML page to write")
    given = parser.parse_args(argv)
    from idempotence.report.pages import write_page
    from idempotence.report.replies import NEEDED, replies_page
    from idempotence.stats.scores import read_scores

    scores = read_scores(given.scores, NEEDED, given.setting)
    page = replies_page(scores, given.setting, given.cycles, given.replies)
    write_page(given.output, "replies.html.j2", **page)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
