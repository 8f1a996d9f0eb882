"""Lines of the generated pages, as long as those that are written."""

import textwrap

WIDTH = 100


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph, or an item of a list that lies in another, in lines of `WIDTH`."""
    within = indent + ("  " if text.startswith("- ") else "")
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=within,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
