"""Tune the micro world's base model on neutral chats."""

import argparse
from pathlib import Path

from idempotence.errors import exit_cleanly


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", type=Path, required=True, help="recipe.yaml")
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model")
    given = parser.parse_args(argv)
    from idempotence.world_build.build import build_instruct
    from idempotence.world_build.recipe import load_recipe

    build_instruct(load_recipe(given.recipe), given.base, given.output)
    return 0


if __name__ == "__main__":
    exit_cleanly(main)
