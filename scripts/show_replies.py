"""Page to read replies: setting, trait, cell and cycle to choose from."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores")
    parser.add_argument("--replies", type=int, default=2, help="for each cycle (default: 2)")
    parser.add_argument("--output", type=Path, required=True, help="HTML page to write")
    given = parser.parse_args(argv)
    from idempotence.report.pages import script, write_page
    from idempotence.report.replies import NEEDED, replies_page
    from idempotence.scores.files import read_scores

    scores = read_scores(given.scores, NEEDED)
    page = replies_page(scores, given.replies)
    write_page(given.output, "replies.html.j2", script=script("choose.js"), **page)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
