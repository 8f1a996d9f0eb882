"""A finished study in one file to publish: an RO-Crate (researchobject.org/ro-crate) as a zip."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idempotence.errors import UserError
from idempotence.io import sha256_of, write_whole

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

LICENSE = "https://spdx.org/licenses/MIT"  # the project's own
MEDIA_TYPES = {
    ".csv": "text/csv", ".json": "application/json", ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet", ".pdf": "application/pdf", ".png": "image/png",
    ".svg": "image/svg+xml", ".txt": "text/plain", ".yaml": "application/yaml",
}  # fmt: skip
README = """# Study {study}

Scores of every reply, tables, figures and the whole config of one study of how a model's trait
changes when it is trained on its own outputs. `run.json` names the versions and the commit that
made them, `ro-crate-metadata.json` describes every file.
"""
REBUILD = """
The tables and figures that follow from the scores are made again with the same bytes. In the folder
of the workflow at the commit of `run.json`, with this archive unpacked as `archive`:

    snakemake --cores all tables figures --configfile archive/config.yaml \\
        --config study={study}-again scores_from=archive/scores

Tables of what a running study measures itself (costs, the noise floor) are not among them.
"""


def files_of(root: Path, scores: list[Path], others: list[Path]) -> dict[str, Path]:
    """What an archive holds: place in it -> file.

    root: the study's results. scores: its files of scores and training, which get a folder of their
    own, since `scores_from` takes one. others: files below root, which keep their places. Raises
    `UserError` for a file that is not there.
    """
    files = {f"scores/{path.name}": path for path in scores}
    files |= {str(path.relative_to(root)): path for path in others}
    lacking = [str(path) for path in files.values() if not path.is_file()]
    if lacking:
        raise UserError(f"no archive is written: {', '.join(lacking)} is not there")
    return files


def write_archive(
    files: Mapping[str, Path], run: dict[str, Any], study: str, rebuilds: bool, output: Path
) -> None:
    """Write the archive.

    files: place in the archive -> file. run: the content of run.json. rebuilds: whether tables can
    be made again from the scores alone, which those of an audit cannot. Raises `UserError` where
    output cannot be written.
    """
    crate = _described(study)
    readme = (README + REBUILD * rebuilds).format(study=study)
    entities = [crate.add_file(source, place, properties=_about(source, place))
                for place, source in files.items()]  # fmt: skip
    readme_file = output.with_name("README.md")
    write_whole(readme_file, lambda path: path.write_text(readme, encoding="utf-8"))
    crate.add_file(readme_file, "README.md", properties={"encodingFormat": "text/markdown"})
    crate.add_action(
        _workflow(crate, run),
        identifier="#run",
        result=entities,
        properties={"name": f"the run of study {study}"},
    )
    write_whole(output, crate.write_zip)
    readme_file.unlink()


def _described(study: str) -> "ROCrate":
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    crate.name = f"Study {study}: does a trait amplify when a model is trained on its own outputs?"
    crate.description = (
        f"Config, scores, tables and figures of study {study}, made by the Snakemake workflow "
        "idempotence, which replicates arXiv:2605.01130."
    )
    crate.license = LICENSE
    crate.datePublished = datetime.now(UTC).date()
    crate.keywords = ["language models", "self-training", "replication"]
    return crate


def _about(source: Path, place: str) -> dict[str, Any]:
    about = {"name": place, "contentSize": str(source.stat().st_size), "sha256": sha256_of(source)}
    kind = MEDIA_TYPES.get(source.suffix)
    return about | ({"encodingFormat": kind} if kind else {})


def _workflow(crate: "ROCrate", run: dict[str, Any]) -> Any:
    from rocrate.model.softwareapplication import SoftwareApplication

    packages = [f"{name} {version}" for name, version in run["packages"].items() if version]
    properties = {
        "name": "idempotence",
        "softwareVersion": run["idempotence"],
        "identifier": run["commit"] or "no commit known",
        "softwareRequirements": [f"Python {run['python']}", *packages],
    }
    return crate.add(SoftwareApplication(crate, "#idempotence", properties=properties))
