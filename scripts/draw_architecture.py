"""The rooms of the package, drawn into docs/architecture.md."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"


def draw_architecture(output: Path = PAGE) -> None:
    """Draw the rooms, and which of them import which, between the marks of a page.

    output: the page that is changed.
    """
    from idempotence.io import write_text
    from idempotence.workflow.rooms import with_drawing

    page = output.read_text(encoding="utf-8")
    write_text(output, with_drawing(page, ROOT / "src" / "idempotence"))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(draw_architecture)
