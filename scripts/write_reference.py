"""Write the reference pages docs/commands.md, docs/files.md and docs/claims.md from the code."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_reference(output: Path = ROOT / "docs") -> None:
    """Write the reference pages docs/commands.md, docs/files.md and docs/claims.md from the code.

    output: folder to write to.
    """
    from idempotence.io import write_text
    from idempotence.reference.claims import claims_page
    from idempotence.reference.commands import commands_page
    from idempotence.reference.files import files_page

    write_text(output / "commands.md", commands_page(ROOT))
    write_text(output / "files.md", files_page(ROOT / "docs" / "schema"))
    write_text(output / "claims.md", claims_page(ROOT / "data" / "claims.yaml"))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_reference)
