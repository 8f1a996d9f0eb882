"""What jobs ask of the machine or the cluster: GPUs, memory, calls; and that it decides no result."""

import re

import yaml
from make_config import complaint, load
from test_workflow import ROOT, copy_project, snakemake

from idempotence.workflow.study_jobs import Plan

STUDY = {
    "study": "large", "traits": ["bliss"], "seeds": 1, "settings": ["sft", "dpo"],
    "models": [{"name": "big", "kind": "instruct", "path": "world/instruct", "gpus": 4, "memory_mb": 9000}],
    "judge": {"gpus": 1, "memory_mb": 500},
}  # fmt: skip


def test_gpus_and_memory_are_no_settings_of_a_job():
    plain = load({**STUDY, "models": [{**STUDY["models"][0], "gpus": 0}], "judge": {}})
    one, other = load(STUDY), plain
    for study in (one, other):
        assert study.models[0].memory_mb == 9000
    for panel, same in zip(one.panels(), other.panels(), strict=True):
        assert Plan(one).finetune(panel, 1) == Plan(other).finetune(same, 1)
        assert Plan(one).sample(panel, 1) == Plan(other).sample(same, 1)
        assert Plan(one).judge(panel, 1) == Plan(other).judge(same, 1)


def test_gpus_are_whole_numbers_and_none_is_needed_behind_an_endpoint():
    assert "models.0.gpus: -1 is not allowed" in complaint(
        {"models": [{**STUDY["models"][0], "gpus": -1}], "settings": ["sft"]}
    )
    api = {"base_url": "https://host/v1"}
    remote = {"judge": {"backend": "openai", "path": "m", "gpus": 1, "api": api}}
    assert "judge.gpus: is not allowed" in complaint(remote)


def resources(folder, study: dict, *arguments: str) -> dict[str, set[str]]:
    """What the jobs of a dry run ask for: rule -> "gpu api mem_mb"."""
    (folder / "large.yaml").write_text(yaml.safe_dump(study))
    done = snakemake(folder, "-n", "--configfile", "large.yaml", *arguments)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-3000:]
    found: dict[str, set[str]] = {}
    jobs = re.findall(
        r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", told, re.MULTILINE
    )
    for rule, text in jobs:
        asked = dict(part.split("=") for part in text.split(", "))
        found.setdefault(rule, set()).add(
            " ".join(asked.get(name, "-") for name in ("gpu", "api", "mem_mb"))
        )
    return found


def test_jobs_ask_for_what_their_models_need(tmp_path):
    folder = copy_project(tmp_path / "local")
    asked = resources(folder, STUDY)
    assert asked["finetune_sft"] == asked["sample"] == asked["seed_data"] == {"4 0 9000"}
    assert asked["judge"] == asked["judge_initial"] == {"1 0 500"}
    assert asked["calibrate"] == {"4 0 9500"}
    assert asked["plot_grid"] == asked["gather_scores"] == asked["report"] == {"- - -"}
    remote = {"backend": "openai", "path": "m", "api": {"base_url": "https://host/v1"}}
    asked = resources(folder, {**STUDY, "judge": remote})
    assert asked["judge"] == {"0 1 4000"} and asked["calibrate"] == {"4 1 13000"}


def test_profiles_share_no_key():
    """Keys of profiles/default win over those of a profile that comes on top of it."""
    keys = {
        path.parent.name: set(yaml.safe_load(path.read_text()))
        for path in (ROOT / "profiles").glob("*/config.yaml")
    }
    assert {"default", "gpu", "slurm"} <= set(keys)
    assert all(not keys["default"] & mine for name, mine in keys.items() if name != "default")
