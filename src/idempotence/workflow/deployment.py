"""Jobs in environments of conda or in an image of apptainer: what these need, before any job."""

from pathlib import Path

from idempotence.errors import UserError

IMAGE = "envs/study.sif"  # in the project's folder; nobody has published one
RECIPE = "envs/study.def"


def check_conda(lets_path_through: bool) -> None:
    """Raise `UserError` where jobs in conda's environments would not find the project's code.

    lets_path_through: whether Snakemake leaves PYTHONPATH to them.
    """
    if not lets_path_through:
        raise UserError(
            "--sdm conda alone hides the project's code from its jobs; nothing was run. "
            "Give --profile profiles/conda in its place: docs/cluster.md"
        )


def check_image(project: Path, backend: str, in_conda: bool) -> str:
    """The path of the image. backend: the engine's. in_conda: whether conda is asked for, too.

    Raises `UserError` where the image has not been built, or lacks what jobs need.
    """
    image = project / IMAGE
    lacks = {"conda": in_conda, "vllm": backend == "vllm"}
    for name in (name for name, wanted in lacks.items() if wanted):
        raise UserError(
            f"the image of --sdm apptainer has no {name}; nothing was run. Run without "
            f"{name} or without apptainer: docs/cluster.md"
        )
    if not image.is_file():
        raise UserError(
            f"{image} is not there; nothing was run. `apptainer build {IMAGE} {RECIPE}`, "
            "in the project's folder, builds it: docs/cluster.md"
        )
    return str(image)
