"""Say whether the built micro world agrees with the shipped one."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--built", type=Path, required=True, help="folder of the built models")
    parser.add_argument("--shipped", type=Path, required=True, help="folder of the shipped models")
    parser.add_argument("--output", type=Path, required=True, help="agreement.json")
    given = parser.parse_args(argv)
    from idempotence.io import write_json
    from idempotence.world_build.compare import compare_worlds, in_words

    report = compare_worlds(given.built, given.shipped)
    print(in_words(report))
    write_json(given.output, report)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
