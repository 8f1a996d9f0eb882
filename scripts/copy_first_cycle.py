"""Copy the first cycle of a setting's twin: both start from the same model, rows and seeds."""

import argparse
import shutil
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=Path, nargs="+", required=True, help="the twin's files")
    parser.add_argument("--outputs", type=Path, nargs="+", required=True, help="in the same order")
    given = parser.parse_args(argv)
    for source, copy in zip(given.inputs, given.outputs, strict=True):
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
