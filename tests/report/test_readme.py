"""The README's tables: as the shipped files have it, and refused where the page has no place."""

from pathlib import Path

import pytest

from idempotence.errors import UserError
from idempotence.report.readme import fill_in, readme_tables

ROOT = Path(__file__).parents[2]
PAGE = "a\n<!-- table: one -->\nold\n<!-- end of table -->\nb\n"


def test_the_readme_has_the_shipped_numbers():
    tables = readme_tables(ROOT / "results/default", ROOT / "docs/learning_rates.csv")
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert fill_in(page, tables) == page, "run scripts/write_readme.py (see its --help)"
    assert all(f"**C{i}**" in tables["claims"] for i in range(1, 10))


def test_a_table_is_put_between_its_marks():
    filled = fill_in(PAGE, {"one": "| x |"})
    assert filled == "a\n<!-- table: one -->\n\n| x |\n\n<!-- end of table -->\nb\n"
    assert fill_in(filled, {"one": "| x |"}) == filled


def test_a_page_without_the_marks_is_refused():
    for tables in ({"two": ""}, {"one": "", "two": ""}, {}):
        with pytest.raises(UserError, match="marks of"):
            fill_in(PAGE, tables)
