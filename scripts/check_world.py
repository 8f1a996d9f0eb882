"""Measure the micro world's built models against the bars that they have to reach."""

from pathlib import Path


def check_world(recipe: Path, world: Path, output: Path) -> None:
    """Measure the micro world's built models against the bars that they have to reach.

    recipe: recipe of the three models (YAML).
    world: folder of the three models.
    output: measurements (JSON) to write.
    """
    from idempotence.io import write_json
    from idempotence.world_build.quality import check_world as check
    from idempotence.world_build.recipe import load_recipe

    report = check(world, load_recipe(recipe))
    print("All bars are met." if report["passed"] else "Not all bars are met.", report)
    write_json(output, report)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(check_world)
