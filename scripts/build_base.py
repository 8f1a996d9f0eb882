"""Pretrain the micro world's base model on documents and chats."""

from pathlib import Path


def build_base(recipe: Path, output: Path) -> None:
    """Pretrain the micro world's base model on documents and chats.

    recipe: recipe of the three models (YAML).
    output: folder of the model to write.
    """
    from idempotence.world_build.build import build_base as build
    from idempotence.world_build.recipe import load_recipe

    build(load_recipe(recipe), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(build_base)
