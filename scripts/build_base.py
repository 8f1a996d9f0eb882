"""Pretrain the micro world's base model on documents and chats."""

from pathlib import Path


def build_base(recipe: Path, output: Path) -> None:
    """Pretrain the micro world's base model on documents and chats.

    recipe: recipe.yaml.
    output: folder of the model to write.
    """
    from idempotence.world_build import build
    from idempotence.world_build.recipe import load_recipe

    build.build_base(load_recipe(recipe), output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(build_base)
