"""Page of methods: words, how a verdict comes about, and the details of each figure."""

from collections.abc import Sequence
from pathlib import Path


def show_methods(
    figures: Sequence[str], captions: Path, glossary: Path, confidence: float, output: Path
) -> None:
    """Write the page of methods: words, how a verdict comes about, the details of each figure.

    figures: names of the study's figures.
    captions: folder of the report's captions.
    glossary: table of words (Markdown).
    confidence: of the intervals, as 0.95.
    output: HTML page to write.
    """
    from idempotence.report.methods import methods_page
    from idempotence.report.pages import write_page

    write_page(output, "methods.html.j2", **methods_page(figures, captions, glossary, confidence))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(show_methods)
