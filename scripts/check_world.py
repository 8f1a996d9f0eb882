"""Measure the micro world's models against the bars that an instrument must meet."""

from pathlib import Path


def check_world(recipe: Path, world: Path, output: Path) -> None:
    """Measure the micro world's models against the bars that an instrument must meet.

    recipe: recipe.yaml.
    world: folder of the three models.
    output: quality.json to write.
    """
    from idempotence.io import write_json
    from idempotence.world_build import quality
    from idempotence.world_build.recipe import load_recipe

    report = quality.check_world(world, load_recipe(recipe))
    print("All bars are met." if report["passed"] else "Not all bars are met.", report)
    write_json(output, report)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(check_world)
