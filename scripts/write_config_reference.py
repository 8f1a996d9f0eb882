"""Write docs/config.md and docs/config.schema.json from the config's models."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=DOCS, help="folder (default: docs/)")
    given = parser.parse_args(argv)

    from idempotence.config.reference import reference_page, schema_text
    from idempotence.io import write_text

    write_text(given.output / "config.md", reference_page())
    write_text(given.output / "config.schema.json", schema_text())
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
