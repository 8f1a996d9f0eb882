"""The README's tables of results, from shipped files; run by hand after a new shipped study."""

from pathlib import Path


def write_readme(shipped: Path, rates: Path, page: Path) -> None:
    """Fill in the README's tables.

    shipped: folder that rule ship_scores wrote.
    rates: table of rule choose_learning_rates (CSV).
    page: the README, which is changed between its marks.
    """
    from idempotence.io import write_text
    from idempotence.report.readme import fill_in, readme_tables

    text = page.read_text(encoding="utf-8")
    write_text(page, fill_in(text, readme_tables(shipped, rates)))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_readme)
