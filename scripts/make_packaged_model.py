"""Make a model folder from quantised weights that lie in a Python package."""

from pathlib import Path

from idempotence.jobs.packages import PackageFile


def make_packaged_model(job: PackageFile, output: Path, adapter: Path | None = None) -> None:
    """Make a model folder from quantised weights that lie in a Python package.

    job: package, version, file and its SHA-256.
    output: folder to write.
    adapter: folder of a LoRA adapter that is added into the weights.
    """
    from idempotence.engine import packaged

    packaged.make_packaged_model(job, output, adapter)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(make_packaged_model)
