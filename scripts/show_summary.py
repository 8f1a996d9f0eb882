"""The report's front page: what was run, the verdicts on the claims, figures, limits."""

from pathlib import Path

from idempotence.errors import exit_cleanly
from idempotence.launch.arguments import argument_parser


def main(argv: list[str] | None = None) -> int:
    parser = argument_parser(__doc__, "--scores", "--chains", "--confidence")
    parser.add_argument("--study", required=True, help="the study's name")
    parser.add_argument("--claims", type=Path, help="claims.json, where there are scores")
    parser.add_argument("--audit", type=Path, nargs=3, help="audits: rows, bad rows, chains (CSV)")
    parser.add_argument("--training", type=Path, required=True, help="the training log (CSV)")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="PNG, in their order")
    parser.add_argument("--output", type=Path, required=True, help="reStructuredText to write")
    given = parser.parse_args(argv)
    from idempotence.io import write_text
    from idempotence.report.pages import render
    from idempotence.report.summary import as_rst, summary

    page = summary(
        given.study, given.claims, given.chains, given.training, given.scores, given.figures,
        given.confidence, given.audit,
    )  # fmt: skip
    write_text(given.output, as_rst(render("summary.html.j2", **page)))
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
