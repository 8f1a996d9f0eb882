"""The pages in a real browser: nothing fetched, no error, nothing cut off, lists that work."""

import pytest
from make_browser import CHROMIUM, STICK_OUT, Page
from make_loops import make_loops
from make_scores import NASTY, make_scores
from read_pages import choosing

from idempotence.io import write_text
from idempotence.report.pages import render
from idempotence.report.replies import replies_page
from idempotence.report.tables import tables_page

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
# Sections that a reader sees.
SHOWN = """[...document.querySelectorAll("section")].filter((s) => !s.hidden)"""


@pytest.fixture(scope="module")
def page():
    with Page() as page:
        yield page


def check(page: Page, file) -> None:
    """In a wide and in a narrow window."""
    for width in (1280, 800):
        page.go(file, width)
        assert page.run(STICK_OUT) == []
    assert page.complaints == [] and page.fetched == []


def test_replies_are_chosen_by_setting_trait_cell_and_cycle(page, tmp_path):
    scores = make_scores(settings=["sft", "dpo"], samples=3)
    file = tmp_path / "replies.html"
    scores["response"] = scores["setting"] + " " + scores["trait"] + " " + NASTY
    write_text(file, choosing(replies_page(scores, 1, make_loops())))
    check(page, file)
    first = page.run(f"{SHOWN}.map((s) => s.innerText)")
    assert len(first) == 1 and "sft bliss" in first[0] and "Cycle 6" in first[0]
    offered = page.run("""[...document.querySelectorAll("option")].map((o) => o.value)""")
    assert {"bliss", "lucky", "sycophancy", "all", "0", "6"} <= set(offered)
    dpo = [name for name in offered if name.endswith("(dpo)")]
    page.choose("setting", dpo[0])
    page.choose("trait", "lucky")
    page.choose("cycle", "0")
    second = page.run(f"{SHOWN}.map((s) => s.innerText)")
    assert len(second) == 1 and "dpo lucky" in second[0] and "sft" not in second[0]
    assert "Cycle 0" in second[0] and "Cycle 6" not in second[0]
    assert page.complaints == []


def test_wide_tables_scroll_and_the_page_does_not(page, tmp_path):
    wide = ",".join(f"a_rather_long_name_{i}" for i in range(30))
    row = ",".join("1.2345" for _ in range(30))
    write_text(tmp_path / "wide.csv", f"{wide}\n{row}\n")
    wide_page = tables_page([("Wide", tmp_path / "wide.csv")], "Tables", tmp_path)
    write_text(tmp_path / "tables.html", render("tables.html.j2", **wide_page))
    check(page, tmp_path / "tables.html")
    assert page.run("document.querySelector('.scroll').scrollWidth") > 1280
