"""Copy a setting's first cycle from its twin: both start from the same model, rows and seeds."""

from pathlib import Path


def copy_first_cycle(inputs: list[Path], outputs: list[Path]) -> None:
    """Copy a setting's first cycle from its twin.

    inputs: the twin's files.
    outputs: the copies to write, in the same order.
    """
    from idempotence.io import copy_whole

    for source, copy in zip(inputs, outputs, strict=True):
        copy_whole(source, copy)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(copy_first_cycle)
