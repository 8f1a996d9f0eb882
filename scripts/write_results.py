"""Tables of results in README and docs, from shipped files; run after a study was shipped."""

from collections.abc import Sequence
from pathlib import Path


def write_results(results: Path, rates: Path, pages: Sequence[Path]) -> None:
    """Fill in the tables of pages.

    results: folder of the shipped studies, results/shipped.
    rates: table of rule choose_learning_rates (CSV).
    pages: Markdown files, which are changed between their marks.
    """
    from idempotence.io import write_text
    from idempotence.report.results import fill_in, result_tables

    tables = result_tables(results, rates)
    for page in pages:
        write_text(page, fill_in(page.read_text(encoding="utf-8"), tables))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_results)
