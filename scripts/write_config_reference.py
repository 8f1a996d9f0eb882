"""Write docs/config.md and docs/config.schema.json from the config's models."""

from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def write_config_reference(output: Path = DOCS) -> None:
    """Write docs/config.md and docs/config.schema.json from the config's models.

    output: folder to write to.
    """
    from idempotence.config.reference import reference_page, schema_text
    from idempotence.io import write_text

    write_text(output / "config.md", reference_page())
    write_text(output / "config.schema.json", schema_text())


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_config_reference)
