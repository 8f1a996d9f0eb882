"""An archive holds a study, describes it as an RO-Crate, and its tables are made again from it."""

import json
import zipfile
from pathlib import Path

import pytest
from make_scores import make_initial, make_scores
from run_script import ROOT, run_script

from idempotence.io import sha256_of, write_json, write_parquet, write_text
from idempotence.report.provenance import describe_run

ROCrate = pytest.importorskip("rocrate.rocrate").ROCrate
SETTINGS = ["sft", "dpo"]


def make_tables(root: Path) -> None:
    """Tables of a study whose scores are there."""
    trajectories = root / "trajectories.parquet"
    files = ["--output", root / "tables/trajectories.csv", "--output-exact", trajectories]
    common = ["--confidence", 0.95]
    assert run_script("follow_chains", "--scores", root / "scores.parquet", *files, *common) == 0
    slopes = ["--trajectories", trajectories, "--output", root / "tables/slopes.csv"]
    assert run_script("fit_slopes", *slopes, *common) == 0


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """The results of a small study, with its archive."""
    root = tmp_path_factory.mktemp("study")
    scores = make_scores(settings=SETTINGS, samples=2)
    write_parquet(scores, root / "scores.parquet")
    write_parquet(make_initial(), root / "initial.parquet")
    (root / "tables").mkdir()
    (root / "figures").mkdir()
    log = scores[["setting", "model", "trait", "seed", "cell", "cycle"]].drop_duplicates()
    write_parquet(log.assign(loss=0.1 / 3), root / "tables" / "training.parquet")
    make_tables(root)
    write_text(root / "figures" / "course.svg", "<svg/>")
    write_text(root / "config.yaml", "study: small\n")
    write_json(root / "run.json", describe_run(ROOT / "data" / "claims.yaml"))
    assert run_archive(root, root / "archive.zip", "--rebuilds") == 0
    return root


def run_archive(root: Path, output: Path, *more: str) -> int:
    return run_script(
        "archive", "--root", root, "--study", "small", "--scores", root / "scores.parquet",
        "--initial", root / "initial.parquet", "--training", root / "tables/training.parquet",
        "--run", root / "run.json", "--others", root / "config.yaml", root / "figures/course.svg",
        *sorted((root / "tables").iterdir()), "--output", output, *more,
    )  # fmt: skip


def test_a_table_is_made_again_with_the_same_bytes(study, tmp_path):
    zipfile.ZipFile(study / "archive.zip").extractall(tmp_path / "archive")
    again = tmp_path / "again"
    assert run_script(
        "take_scores", "--folder", tmp_path / "archive/scores", "--settings", *SETTINGS,
        "--output-scores", again / "scores.parquet", "--output-initial", again / "initial.parquet",
        "--output-training", again / "tables/training.csv",
    ) == 0  # fmt: skip
    make_tables(again)
    for name in ("slopes.csv", "slopes.parquet", "trajectories.csv"):
        made, kept = again / "tables" / name, tmp_path / "archive" / "tables" / name
        assert made.read_bytes() == kept.read_bytes(), name


def test_every_file_is_described_and_the_run_is_its_provenance(study, tmp_path):
    zipfile.ZipFile(study / "archive.zip").extractall(tmp_path)
    crate = ROCrate(tmp_path)
    files = {entity.id for entity in crate.data_entities}
    held = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert files == held - {"ro-crate-metadata.json"}
    assert {"config.yaml", "run.json", "figures/course.svg", "scores/training.parquet"} <= files
    for entity in crate.data_entities:
        if entity.id != "README.md":
            assert entity["sha256"] == sha256_of(tmp_path / entity.id)
    root = json.loads((tmp_path / "ro-crate-metadata.json").read_text())["@graph"]
    (dataset,) = (entity for entity in root if entity["@id"] == "./")
    assert {"name", "description", "license", "datePublished", "hasPart"} <= set(dataset)
    run = crate.dereference("#run")
    assert len(run["result"]) == len(files) - 1
    assert any(text.startswith("torch ") for text in run["instrument"]["softwareRequirements"])


def test_the_readme_has_the_command_unless_there_is_none(study, tmp_path):
    readme = zipfile.ZipFile(study / "archive.zip").read("README.md").decode()
    assert "scores_from=archive/scores" in readme and "study=small-again" in readme
    assert not list(study.glob("README*"))
    assert run_archive(study, tmp_path / "audit.zip") == 0
    assert b"scores_from" not in zipfile.ZipFile(tmp_path / "audit.zip").read("README.md")


def test_a_file_that_is_lost_stops_it_with_one_message(study, tmp_path, capsys):
    (study / "config.yaml").rename(study / "away")
    assert run_archive(study, tmp_path / "none.zip") == 2
    (study / "away").rename(study / "config.yaml")
    message = capsys.readouterr().err
    assert "config.yaml is not there" in message and "Traceback" not in message
    assert not (tmp_path / "none.zip").exists()
