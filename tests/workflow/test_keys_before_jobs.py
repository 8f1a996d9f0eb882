"""The keys of endpoints are looked for before any job, and only where jobs will ask."""

import re
import shutil

import pytest
import yaml
from make_config import ROOT, effective
from make_project import copy_project, show_study, snakemake

from idempotence.config.load import load_study
from idempotence.errors import UserError
from idempotence.workflow.keys import ASKED, check_keys
from idempotence.workflow.study_texts import supply

API = {"base_url": "https://host.invalid/v1"}
JUDGE = {"backend": "openai", "path": "some-judge", "api": API}
RULE = re.compile(r"^ *(?:use rule \w+ as (\w+) with|rule (\w+)):$", re.MULTILINE)
CALIBRATION = "results/tiny/calibration/sft/micro-instruct/bliss.json"


def study(**over):
    config = effective(over)
    return load_study(config, [], supply(config))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for variable in ("OPENAI_API_KEY", "SECOND_KEY", "WRITER_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The project, with a study and an audit judged behind an endpoint: tiny.yaml, audit.yaml."""
    folder = copy_project(tmp_path_factory.mktemp("keys") / "project")
    shutil.copytree(ROOT / "tests/audit_example", folder / "tests/audit_example")
    for name in ("tiny", "audit"):
        config = yaml.safe_load((ROOT / f"studies/{name}.yaml").read_text(encoding="utf-8"))
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**config, "judge": JUDGE}))
    return folder


def test_every_rule_that_may_ask_an_endpoint_is_known_with_its_section():
    asked = {
        "judge_again": "judge",
        "judge_initial_again": "judge",
    }  # as the rules they are made of
    for path in sorted((ROOT / "rules").glob("*.smk")):
        _, *parts = RULE.split(path.read_text(encoding="utf-8"))
        for copied, own, text in zip(*(iter(parts),) * 3, strict=True):
            for role in re.findall(r"loads\(.*the_(judge|second_judge|generator)\)", text):
                asked[copied or own] = role
    assert asked == ASKED


def test_a_key_that_jobs_here_lack_is_named_with_its_variable_and_an_export_line(monkeypatch):
    second = {**JUDGE, "api": {**API, "key_env": "SECOND_KEY"}}
    writer = {**JUDGE, "api": {**API, "key_env": "WRITER_KEY"}}
    judged = study(judge=JUDGE, second_judge=second, generator=writer)
    with pytest.raises(UserError) as refused:
        check_keys(judged, ["finetune_sft", *ASKED], [])
    for role, variable in [
        ("judge", "OPENAI_API_KEY"),
        ("second_judge", "SECOND_KEY"),
        ("generator", "WRITER_KEY"),
    ]:
        assert f"the {role}'s key is not set: put it in the environment" in str(refused.value)
        assert f"({role}.api.key_env names it" in str(refused.value)
        assert f"\n  export {variable}=" in str(refused.value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abc")
    assert check_keys(judged, ["judge", "calibrate", "judge_replies", "finetune_sft"], []) == ""
    with pytest.raises(UserError, match="export SECOND_KEY=") as refused:
        check_keys(judged, ["judge", "judge_second"], [])
    assert "OPENAI_API_KEY" not in str(refused.value) and "WRITER_KEY" not in str(refused.value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk abc")
    with pytest.raises(UserError, match="OPENAI_API_KEY, holds a blank") as refused:
        check_keys(judged, ["judge"], [])
    assert "sk abc" not in str(refused.value)


def test_a_key_that_jobs_on_other_machines_may_lack_is_a_warning():
    warning = check_keys(study(judge=JUDGE), [], ["calibrate", "finetune_sft"])
    assert "jobs on other machines (calibrate)" in warning and "export OPENAI_API_KEY=" in warning
    assert check_keys(study(judge=JUDGE), [], ["finetune_sft"]) == ""


def test_a_local_judge_needs_no_key():
    assert check_keys(study(), [*ASKED], [*ASKED]) == ""


def test_a_study_or_an_audit_without_its_key_is_one_message_before_any_job(folder):
    for done in (
        snakemake(folder, "--cores", "1", "--configfile", "tiny.yaml"),
        show_study(folder, "--configfile", "tiny.yaml"),
        snakemake(folder, "--cores", "1", "--configfile", "audit.yaml"),
    ):
        assert done.returncode != 0 and "Traceback" not in done.stderr
        assert "the judge's key is not set" in done.stderr, done.stderr
        assert "export OPENAI_API_KEY=" in done.stderr
        assert not (folder / "results").exists()


def test_plans_and_jobs_that_ask_nothing_need_no_key(folder):
    for words in (("-n",), ("plan",)):
        done = snakemake(folder, *words, "--cores", "1", "--configfile", "tiny.yaml")
        assert done.returncode == 0, done.stderr[-3000:]
        assert "key is not set" not in done.stderr
    assert (folder / "results/tiny/plan.txt").exists()


def test_a_job_that_is_sent_elsewhere_is_sent_with_a_warning(folder):
    submit = ("--executor", "cluster-generic", "--cluster-generic-submit-cmd", "false")
    words = (*submit, "--jobs", "1", "--configfile", "tiny.yaml")
    done = snakemake(folder, *words, "--", CALIBRATION)
    assert "on other machines (calibrate)" in done.stderr, done.stderr[-3000:]
    assert "Error submitting jobscript" in done.stderr
