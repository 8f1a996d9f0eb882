"""The pages in a real browser: nothing fetched, no error, nothing cut off, and for every reader."""

import base64
import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest
from make_browser import CHROMIUM, STICK_OUT, Page
from make_loops import make_loops
from make_scores import NASTY, make_scores
from run_script import ROOT

from idempotence.io import write_text
from idempotence.report.methods import methods_page
from idempotence.report.pages import write_page
from idempotence.report.replies import replies_html
from idempotence.report.tables import tables_html

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
AXE = importlib.util.find_spec("axe_playwright_python")  # of its files axe itself alone is used
# Serious and critical violations, each with the elements that it is about.
VIOLATIONS = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations
  .filter((v) => ["serious", "critical"].includes(v.impact))
  .map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).slice(0, 3).join(" ")}`))"""
ROWS = """[...document.querySelectorAll("tbody tr")].filter((r) => !r.hidden)
  .map((r) => [...r.cells].map((c) => c.textContent).join(" "))"""
PNG = base64.b64encode((ROOT / "docs/img/dpo.png").read_bytes()).decode("ascii")


@pytest.fixture(scope="module")
def page():
    with Page() as page:
        yield page


def check(page: Page, file) -> None:
    """In a wide and in a narrow window."""
    for width in (1400, 700):
        page.go(file, width)
        assert page.run(STICK_OUT) == []
    assert page.complaints == [] and page.fetched == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> Path:
    """A folder with the four pages of a small study."""
    folder = tmp_path_factory.mktemp("pages")
    scores = make_scores(settings=["sft", "dpo"], samples=3)
    scores["response"] = scores["setting"] + " " + scores["trait"] + " " + NASTY
    write_text(folder / "replies.html", replies_html(scores, make_loops()))
    wide = {f"a_rather_long_name_{i}": [1.2345, 2.5] for i in range(30)}
    pd.DataFrame({"setting": ["sft", "dpo"], **wide}).to_csv(folder / "wide.csv", index=False)
    rows = {"setting": ["sft", "sft-long", "dpo", "dpo"], "trait": ["a", "b", "a", "b"],
            "p": [0.5, None, 1e-9, 0.02], "n": [10, 9, 100, 2]}  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "chains.csv", index=False)
    tables = [("Chains", folder / "chains.csv"), ("Wide", folder / "wide.csv")]
    write_text(folder / "tables.html", tables_html(tables, "Tables", ROOT / "report"))
    methods = methods_page(["dpo"], ROOT / "report", ROOT / "docs/glossary.md", 0.95)
    write_page(folder / "methods.html", "methods.html.j2", **methods)
    write_page(folder / "index.html", "index.html.j2", **front())
    return folder


def front() -> dict:
    """What a front page shows."""
    claims = json.loads((ROOT / "results/shipped/default/claims.json").read_text())
    part = {"what": "a share", "numbers": "0.5", "verdict": "supported", "decides": True,
            "why": "", "published_value": ""}  # fmt: skip
    row = {"title": "SFT", "n": 1, "doses": 1, "cycles": "0-6", "decay": 1, "constancy": 0,
           "amplification": 0, "undecided": 0}  # fmt: skip
    shown = [
        {**claim, "class": claim["verdict"].split()[0], "test": "a share: 0.5", "authors": ["0.1"],
         "parts": [part], "power": ["if the paper is right: supported 93 %"]}
        for claim in claims
    ]  # fmt: skip
    names = ["chains", "traits", "seeds", "models", "replies", "tokens", "hours"]
    figure = {"name": "dpo", "source": f"data:image/png;base64,{PNG}", "caption": "DPO.",
              "about": "dpo"}  # fmt: skip
    gold = {
        "n": "400",
        "criteria": [{"criterion": "trait", "spearman": "0.31", "bias": "+26"}],
        "changes": [{"setting": "sft", "criterion": "trait", "judge": "1", "corrected": "2"}],
        "claims": ["C1 supported"],
    }
    return {"study": "s", "title": "Study s", "audit": None, "counts": dict.fromkeys(names, "1"),
            "settings": [row], "scored": True, "unscored": [], "claims": shown, "powered": True,
            "tally": "9 supported", "interval": "95 %", "figures": [figure],
            "real_model": False, "gold": gold}  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "tables", "replies", "methods"])
def test_axe_finds_nothing_serious(page, pages, name, scheme):
    if AXE is None:
        pytest.skip("no axe here: pip install -r requirements-dev.txt")
    page.prefer(scheme)
    check(page, pages / f"{name}.html")
    if name == "replies":
        page.until("!!document.querySelector('article')")
    page.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.run((Path(AXE.origin).parent / "axe.min.js").read_text(encoding="utf-8") + "; 0")
    assert page.run(VIOLATIONS) == []
    page.prefer()


def test_dark_pages_are_dark_and_figures_stay_on_light_ground(page, pages):
    color = "getComputedStyle(document.querySelector({!r})).backgroundColor"
    for scheme, media, ground in [
        ("light", "screen", "rgb(255, 255, 255)"),
        ("dark", "screen", "rgb(22, 24, 27)"),
        ("dark", "print", "rgb(255, 255, 255)"),
    ]:
        page.prefer(scheme, media)
        page.go(pages / "index.html")
        assert page.run(color.format("body")) == ground
        assert page.run(color.format("figure img")) == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.prefer()


def test_pages_link_to_each_other_but_not_inside_snakemakes_report(page, pages):
    page.go(pages / "index.html")
    page.run("document.querySelector('nav a[href=\"methods.html\"]').click()")
    page.until("location.pathname.endsWith('methods.html') && !!document.querySelector('dl')")
    data = base64.b64encode((pages / "tables.html").read_bytes()).decode("ascii")
    page.go(f"data:text/html;base64,{data}")  # as the report holds it: no file is beside it
    assert page.run("getComputedStyle(document.querySelector('nav.pages')).display") == "none"
    assert "Chains" in page.run("document.body.innerText") and page.complaints == []


def shown(page: Page, selector: str) -> list[str]:
    """The texts of elements that a reader sees."""
    return page.run(
        f"[...document.querySelectorAll({selector!r})].filter((e) => e.checkVisibility())"
        ".map((e) => e.innerText)"
    )


def test_replies_are_chosen_and_two_cycles_stand_side_by_side(page, pages):
    page.go(pages / "replies.html")
    page.until("!!document.querySelector('article')")
    assert shown(page, "h3") == ["Cycle 0", "Cycle 6"]
    assert len(shown(page, "article")) == 2 * 12 and len(shown(page, "h4")) == 12
    assert "sft bliss" in shown(page, "article")[0] and "seed 0" in shown(page, "h2")[0]
    lefts = page.run("[...document.querySelectorAll('h3')].map((e) => e.offsetLeft)")
    assert lefts[0] < lefts[1]
    dpo = page.run("[...document.querySelectorAll('option')].map((o) => o.value)")
    page.choose("setting", next(name for name in dpo if name.endswith("(dpo)")))
    page.choose("trait", "lucky")
    page.choose("seed", "2")
    page.choose("question", "3")
    page.choose("cycle", "2")
    page.choose("beside it", "none")
    (card,) = shown(page, "article")
    assert f"dpo lucky {NASTY}" in card and "seed 2, question 3" in card
    assert shown(page, "h3") == ["Cycle 2"] and "seed 2" in shown(page, "h2")[0]
    assert page.complaints == []


def test_a_score_stands_in_the_distribution_of_its_model(page, pages):
    page.go(pages / "replies.html")
    page.until("!!document.querySelector('article')")
    page.choose("question", "0")
    card = shown(page, "article")[0]
    scores = make_scores(settings=["sft"], samples=3).query("trait == 'bliss' and seed == 0")
    scores = scores[(scores["cycle"] == 0) & (scores["cell"] == "level20_sampled60")]
    known = scores["trait_score"].dropna().round()
    score = int(card.split("trait\n")[1].split()[0])
    lower, higher = (known < score).mean(), (known > score).mean()
    assert f"{100 * lower:.0f} % of the {len(known)} replies of this model score lower" in card
    assert f"{100 * higher:.0f} % higher" in card
    place = "+document.querySelector('article svg .here').getAttribute('x1')"
    assert page.run(place) == score


def test_tables_are_sorted_by_the_keyboard_and_filtered(page, pages):
    page.go(pages / "tables.html")
    first = page.run(ROWS)[:4]
    page.run("document.querySelectorAll('thead th button')[2].focus()")
    page.press("Enter")  # p, ascending: what is missing comes last
    assert [row.split()[0] for row in page.run(ROWS)[:4]] == ["dpo", "dpo", "sft", "sft-long"]
    assert page.run("document.querySelectorAll('thead th')[2].ariaSort") == "ascending"
    page.press(" ")
    assert [row.split()[0] for row in page.run(ROWS)[:4]] == ["sft", "dpo", "dpo", "sft-long"]
    page.press("Enter")
    assert page.run(ROWS)[:4] == first
    page.press("Tab")
    page.press("Enter")  # n, as numbers
    assert [row.split()[-1] for row in page.run(ROWS)[:4]] == ["2", "9", "10", "100"]
    page.choose("setting", "sft")  # and not sft-long
    assert [row.split()[-1] for row in page.run(ROWS)[:-2]] == ["10"]
    assert shown(page, ".count")[0].startswith("1 of 4 rows shown")
    page.choose("setting", "all")
    page.run("""(() => { const field = document.querySelector("input");
      field.value = "DPO b"; field.dispatchEvent(new Event("input")); })()""")
    assert [row.split()[-1] for row in page.run(ROWS)[:-2]] == ["2"]


def test_wide_tables_scroll_with_their_first_column_and_the_page_does_not(page, pages):
    check(page, pages / "tables.html")
    scroll = "document.querySelectorAll('.scroll')[1]"
    assert page.run(f"{scroll}.scrollWidth") > 1400
    page.run(f"{scroll}.scrollLeft = 1e6")
    left = "getBoundingClientRect().left"
    assert page.run(f"{scroll}.querySelector('tbody th').{left} - {scroll}.{left}") < 3
    right = f"{scroll}.querySelector('tbody td:last-child').getBoundingClientRect().right"
    assert page.run(f"{right} <= innerWidth")
