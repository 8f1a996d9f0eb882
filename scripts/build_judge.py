"""Tune the micro world's base model to rate texts whose truth is known."""

from pathlib import Path


def build_judge(recipe: Path, base: Path, output: Path) -> None:
    """Tune the micro world's base model to rate texts whose truth is known.

    recipe: recipe.yaml.
    base: folder of the base model.
    output: folder of the model to write.
    """
    from idempotence.world_build import build
    from idempotence.world_build.recipe import load_recipe

    build.build_judge(load_recipe(recipe), base, output)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(build_judge)
