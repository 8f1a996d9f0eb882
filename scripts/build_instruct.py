"""Tune the micro world's base model on neutral chats."""

from pathlib import Path


def build_instruct(recipe: Path, base: Path, output: Path) -> None:
    """Tune the micro world's base model on neutral chats.

    recipe: recipe.yaml.
    base: folder of the base model.
    output: folder of the model to write.
    """
    from idempotence.world_build import build
    from idempotence.world_build.recipe import load_recipe

    build.build_instruct(load_recipe(recipe), base, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(build_instruct)
