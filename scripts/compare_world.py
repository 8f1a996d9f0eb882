"""Compare the built micro world with the shipped one."""

from pathlib import Path


def compare_world(built: Path, shipped: Path, output: Path) -> None:
    """Compare the built micro world with the shipped one.

    built: folder of the built models.
    shipped: folder of the shipped models.
    output: agreement.json to write.
    """
    from idempotence.io import write_json
    from idempotence.world_build.compare import compare_worlds, in_words

    report = compare_worlds(built, shipped)
    print(in_words(report))
    write_json(output, report)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(compare_world)
