"""The pages of the documentation: each is in the navigation, and no link inside them is dead."""

import importlib.util
import re
from collections import Counter

import pytest
from make_project import ROOT
from read_markdown import PAGES, anchors, code_within_lines, links

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site():
    """The module docs/conf.py, by which Sphinx builds the site."""
    spec = importlib.util.spec_from_file_location("site_configuration", DOCS / "conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_in_the_navigation_once(site):
    tables = site.navigation((DOCS / "index.md").read_text(encoding="utf-8"))
    listed = Counter(re.findall(r"^.+ <(/\S+)>$", tables, flags=re.MULTILINE))
    pages = {f"/{page.relative_to(ROOT).with_suffix('')}" for page in PAGES} - {"/docs/index"}
    assert set(listed) == pages and set(listed.values()) == {1}
    captions = [line for line in tables.splitlines() if line.startswith(":caption:")]
    kinds = ["Start", "How to", "Reference", "Explanation", "Project"]
    assert captions == [f":caption: {kind}" for kind in kinds]


def test_the_navigation_goes_to_the_index_page_alone(site):
    page, index = ["- [A](a.md)"], ["# Pages\n\n## Kind\n\n- [A](a.md): one.\n- [B](../B.md)\n"]
    site.add_navigation(None, "docs/other", page)
    site.add_navigation(None, "docs/index", index)
    assert page == ["- [A](a.md)"]
    assert index[0].endswith("```{toctree}\n:hidden:\n:caption: Kind\n\nA </docs/a>\nB </B>\n```")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_to_a_file_or_a_heading_is_dead(page):
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_of_the_project_that_a_page_names_exist(page):
    places = [ROOT, ROOT / "src" / "idempotence", ROOT / "docs"]
    own = re.findall(
        r"^(?:<!-- file:|#) (\S+\.\w+)(?: -->)?$", page.read_text("utf-8"), re.MULTILINE
    )
    for code in code_within_lines(page):
        if re.fullmatch(r"[a-z_]\w*(/[\w.-]+)+\.(py|smk|md|rst|toml|yaml)", code):
            missing = not any((place / code).exists() for place in places)
            assert not missing or code in own or code.startswith("results/"), code
