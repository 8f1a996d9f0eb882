"""Measure the micro world's models against the bars an instrument must meet."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="recipe.yaml")
    parser.add_argument("--world", type=Path, required=True, help="folder of the three models")
    parser.add_argument("--output", type=Path, required=True, help="quality.json")
    given = parser.parse_args(argv)
    from idempotence.io import write_json
    from idempotence.world_build.quality import check_world
    from idempotence.world_build.recipe import load_recipe

    report = check_world(given.world, load_recipe(given.recipe))
    print("All bars are met." if report["passed"] else "Not all bars are met.", report)
    write_json(given.output, report)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
