"""Folders, models and traits may have any name: no part of one is ever run or taken apart."""

import shutil
from pathlib import Path

import pytest
import yaml
from make_config import complaint
from make_project import copy_project, run_study, snakemake

from idempotence.io import read_jsonl

# blanks, both quotes, a letter beyond ASCII, and a command
NAME = "a b'c\"ü$(touch {made})"
ONE_LOOP = {"settings": {"sft": {"objective": "sft", "start": "initial"}}, "cycles": 1}


@pytest.fixture
def folder(tmp_path) -> Path:
    """The project in a folder of such a name."""
    return copy_project(tmp_path / NAME.format(made="by_folder"))


def with_study(folder: Path, **content) -> tuple[str, ...]:
    """Arguments of Snakemake for a study "own": one loop of the tiny study, and more."""
    study = {"study": "own", **ONE_LOOP, **content}
    (folder / "studies" / "own.yaml").write_text(yaml.safe_dump(study, allow_unicode=True))
    return ("--configfile", "studies/tiny.yaml", "studies/own.yaml")


def nothing_was_run(folder: Path) -> bool:
    return not list(folder.parent.rglob("by_*"))


@pytest.mark.slow
def test_a_study_runs_in_any_folder_with_models_in_any_other(folder):
    paths = {}
    for model in ("instruct", "judge"):
        paths[model] = f"models/{NAME.format(made=f'by_{model}')}"
        shutil.copytree(folder / "data/micro_world" / model, folder / paths[model])
    model = {"name": "own", "kind": "instruct", "path": paths["instruct"], "memory_mb": 2000}
    judge = {"path": paths["judge"]}
    run_study(folder, *with_study(folder, models=[model], judge=judge))
    assert (folder / "results" / "own" / "report.html").stat().st_size > 100_000
    assert nothing_was_run(folder)


@pytest.mark.slow
def test_a_trait_of_any_name_has_its_rows_and_its_log(folder):
    trait = NAME.format(made="by_trait")
    shutil.copytree(folder / "data/traits/bliss", folder / "data/traits" / trait)
    study = with_study(folder, texts="written", traits=[trait])
    rows = f"results/own/sft/micro-instruct/{trait}/seed0/seed_data.jsonl"
    run_study(folder, rows, *study)
    assert len(read_jsonl(folder / rows)) == 64
    [log] = (folder / "results/own/logs/seed_data").iterdir()
    assert log.name == f"sft.micro-instruct.{trait}.0.log" and nothing_was_run(folder)
    done = snakemake(folder, "-n", *study)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("trait", ["a/b", "{wildcard}", "..", "-n", "a\nb", "\x1b[31m"])
def test_a_trait_whose_name_is_no_part_of_a_path_is_refused(trait):
    message = complaint({"traits": [trait]})
    assert "traits.0: " in message and "a name without /, braces and control chara" in message


@pytest.mark.slow
def test_a_refused_name_reaches_no_terminal_as_it_is(folder):
    done = snakemake(folder, "-n", *with_study(folder, traits=["\x1b[31m"]))
    assert done.returncode == 1 and "traits.0: " in done.stderr and "\x1b" not in done.stderr
