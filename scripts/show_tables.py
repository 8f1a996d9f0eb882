"""Page with the study's tables, each with what it means."""

from collections.abc import Sequence
from pathlib import Path


def show_tables(
    tables: Sequence[str], output: Path, captions: Path | None = None, title: str = "Tables"
) -> None:
    """Write a page with the study's tables, each with what it means.

    tables: HEADING=PATH of each CSV file, in the order of the page.
    output: HTML page to write.
    captions: folder of captions that explain the tables.
    title: the page's title.
    """
    from idempotence.io import write_text
    from idempotence.report.tables import tables_html, titled

    write_text(output, tables_html([titled(text) for text in tables], title, captions))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(show_tables)
