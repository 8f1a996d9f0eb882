"""Tables of results on pages: as the shipped files have them, and refused where there is none."""

from pathlib import Path

import pytest

from idempotence.errors import UserError
from idempotence.report.results import fill_in, result_tables

ROOT = Path(__file__).parents[2]
PAGE = "a\n<!-- table: one -->\nold\n<!-- end of table -->\nb\n"
PAGES = ["README.md", "docs/results.md"]


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_the_shipped_numbers(page):
    tables = result_tables(ROOT / "results/shipped", ROOT / "docs/learning_rates.csv")
    text = (ROOT / page).read_text(encoding="utf-8")
    assert fill_in(text, tables) == text, "run scripts/write_results.py (see its --help)"
    assert all(f"**C{i}**" in tables["claims"] for i in range(1, 10))


def test_a_table_is_put_between_its_marks():
    filled = fill_in(PAGE, {"one": "| x |", "two": "not on this page"})
    assert filled == "a\n<!-- table: one -->\n\n| x |\n\n<!-- end of table -->\nb\n"
    assert fill_in(filled, {"one": "| x |"}) == filled


def test_a_page_without_marks_or_with_others_is_refused():
    for page, tables in ((PAGE, {"two": ""}), (PAGE, {}), ("no mark", {"one": ""})):
        with pytest.raises(UserError, match="marks of"):
            fill_in(page, tables)
