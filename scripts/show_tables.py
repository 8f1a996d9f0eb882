"""Page with the study's tables, each with what it means."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--table", action="append", required=True, metavar="HEADING=PATH",
        help="a CSV file and its heading; repeat it for more, in the order of the page",
    )  # fmt: skip
    parser.add_argument("--captions", type=Path, help="folder of captions that explain the tables")
    parser.add_argument("--title", default="Tables", help="the page's title")
    parser.add_argument("--output", type=Path, required=True, help="HTML page to write")
    given = parser.parse_args(argv)
    from idempotence.report.pages import write_page
    from idempotence.report.tables import tables_page, titled

    page = tables_page([titled(text) for text in given.table], given.title, given.captions)
    write_page(given.output, "tables.html.j2", **page)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
