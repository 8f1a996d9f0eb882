"""Page with the study's tables, each with what it means."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="CSV files, in order")
    parser.add_argument("--title", default="Tables", help="the page's title")
    parser.add_argument("--output", type=Path, required=True, help="HTML page to write")
    given = parser.parse_args(argv)
    from idempotence.report.pages import write_page
    from idempotence.report.tables import tables_page

    write_page(given.output, "tables.html.j2", **tables_page(given.tables, given.title))
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
