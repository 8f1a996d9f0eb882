"""The documentation site: `make docs` builds it from Markdown that a code host shows as well."""

import re

project = "idempotence"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]

# The source folder is the repository, so that links between README and docs work in both places.
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md"]
exclude_patterns = [".*", "site", "results", "data", "src", "tests", "benchmarks"]

html_theme = "furo"
html_title = "Does a trait amplify when a model is trained on its own outputs?"
html_theme_options = {"navigation_with_keys": True}
html_additional_pages = {"index": "redirect.html"}
templates_path = ["templates"]
html_copy_source = False
html_show_copyright = False

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

LINK = re.compile(r"^- \[([^]]+)\]\(([^):#]+)\.md\)", flags=re.MULTILINE)


def navigation(index: str) -> str:
    """The hidden tables of contents of the index page: one for each section with links.

    index: the page's Markdown. A section's pages are the links that begin its list items, with
    the texts of these links as their names.
    """
    tables = []
    for section in index.split("\n## ")[1:]:
        caption = section.partition("\n")[0]
        pages = [f"{name} <{_from_root(page)}>" for name, page in LINK.findall(section)]
        lines = ["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"]
        tables += ["\n".join(lines)] if pages else []
    return "\n\n".join(tables)


def _from_root(page: str) -> str:
    """A link of docs/index.md as a path from the repository's root."""
    return f"/{page.removeprefix('../')}" if page.startswith("../") else f"/docs/{page}"


def add_navigation(app: object, docname: str, source: list[str]) -> None:
    """Give the index page its navigation, which a code host would show as code."""
    if docname == root_doc:
        source[0] += "\n\n" + navigation(source[0])


def setup(app: object) -> None:
    """Sphinx calls this when the build starts."""
    app.connect("source-read", add_navigation)
