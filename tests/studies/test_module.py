"""The workflow as a module of another: it finds its own files; results lie in the other folder."""

from pathlib import Path

import pytest
import yaml
from make_project import ROOT, copy_project, planned, run_study, snakemake

from idempotence.io import read_json

SHIPPED = ROOT / "results" / "shipped" / "defences"
OUTER = """configfile: "study.yaml"


module idempotence:
    snakefile:
        "../workflow/Snakefile"
    config:
        config


use rule * from idempotence


rule count_lines:
    default_target: True
    input:
        "results/mine/tables/slopes.csv",
    output:
        "lines.txt",
    shell:
        "wc -l < {input} > {output}"
"""


@pytest.fixture(scope="module")
def outer(tmp_path_factory) -> Path:
    """The folder of a workflow that uses the project, which lies in a folder beside it."""
    folder = tmp_path_factory.mktemp("module")
    copy_project(folder / "workflow")
    (folder / "outer").mkdir()
    (folder / "outer" / "Snakefile").write_text(OUTER)
    return folder / "outer"


def write_study(outer: Path, name: str, **changes) -> None:
    study = yaml.safe_load((ROOT / "studies" / f"{name}.yaml").read_text(encoding="utf-8"))
    (outer / "study.yaml").write_text(yaml.safe_dump({**study, "study": "mine", **changes}))


def test_a_whole_study_is_planned(outer):
    write_study(outer, "tiny")
    jobs = planned(outer)
    assert jobs["judge"] == 15 and jobs["finetune_sft"] == 3 and jobs["count_lines"] == 1


def test_a_mistake_is_one_message_with_its_place_in_the_outer_config(outer):
    write_study(outer, "tiny", cycles="many")
    done = snakemake(outer, "-n")
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "study.yaml, line" in output and "cycles: 'many' is not allowed" in output


def test_tables_and_figures_from_shipped_scores_lie_in_the_outer_folder(outer):
    write_study(outer, "defences", scores_from=str(SHIPPED))
    figure = "results/mine/figures/outcomes.svg"
    run_study(outer, "count_lines", figure, "results/mine/run.json")
    assert int((outer / "lines.txt").read_text()) > 1
    assert (outer / figure).read_text(encoding="utf-8").startswith("<?xml")
    assert read_json(outer / "results/mine/run.json")["packages"]["snakemake"]
    assert not (outer.parent / "workflow" / "results").exists()
