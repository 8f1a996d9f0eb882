"""What jobs ask of the machine or the cluster: GPUs, memory, calls. None of it decides results."""

import re
import sys

import pytest
import yaml
from make_config import complaint, load
from make_project import ROOT, commands_in, copy_project, snakemake

from idempotence.io import write_jsonl
from idempotence.workflow.study_jobs import StudyJobs

MODEL = {"name": "big", "kind": "instruct", "path": "world/instruct", "gpus": 4, "memory_mb": 9000}
STUDY = {
    "study": "large", "traits": ["bliss"], "seeds": 1,
    "settings": {
        "sft": {"objective": "sft", "start": "initial"},
        "dpo": {"objective": "dpo", "start": "previous", "min_coherence": 50},
    },
    "models": [MODEL], "judge": {"gpus": 1, "memory_mb": 500},
}  # fmt: skip


def test_gpus_and_memory_are_no_part_of_a_job():
    plain = load({**STUDY, "models": [{**MODEL, "gpus": 0}], "judge": {}})
    one, other = load(STUDY), plain
    for study in (one, other):
        assert study.models[0].memory_mb == 9000
    for panel, same in zip(one.panels(), other.panels(), strict=True):
        assert StudyJobs(one).finetune(panel, 1) == StudyJobs(other).finetune(same, 1)
        assert StudyJobs(one).sample(panel, 1) == StudyJobs(other).sample(same, 1)
        assert StudyJobs(one).judge(panel, 1) == StudyJobs(other).judge(same, 1)


def test_gpus_are_whole_numbers_and_none_is_needed_behind_an_endpoint():
    assert "models.0.gpus: -1 is not allowed" in complaint(
        {"models": [{**MODEL, "gpus": -1}], "settings": {"sft": {}}}
    )
    api = {"base_url": "https://host/v1"}
    remote = {"judge": {"backend": "openai", "path": "m", "gpus": 1, "api": api}}
    assert "judge.gpus: is not allowed" in complaint(remote)


def resources(folder, study: dict, *arguments: str) -> dict[str, set[str]]:
    """Resources of the jobs of a dry run: rule -> "gpu api mem_mb"."""
    (folder / "large.yaml").write_text(yaml.safe_dump(study))
    done = snakemake(folder, "-n", "--configfile", "large.yaml", *arguments)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    found: dict[str, set[str]] = {}
    jobs = re.findall(
        r"^(?:local)?rule (\w+):\n(?:    .*\n)*?    resources: (.*)$", output, re.MULTILINE
    )
    for rule, text in jobs:
        resource = dict(part.split("=") for part in text.split(", "))
        found.setdefault(rule, set()).add(
            " ".join(resource.get(name, "-") for name in ("gpu", "api", "mem_mb"))
        )
    return found


def test_jobs_ask_for_what_their_models_need(tmp_path):
    folder = copy_project(tmp_path / "local")
    needs = resources(folder, STUDY)
    assert needs["finetune_sft"] == needs["sample"] == needs["seed_data"] == {"4 0 9000"}
    assert needs["judge"] == needs["judge_initial"] == {"1 0 500"}
    assert needs["calibrate"] == {"4 0 9500"} and needs["judge_generated"] == {"1 0 500"}
    assert needs["plot_grid"] == needs["gather_scores"] == needs["report"] == {"- - -"}
    remote = {"backend": "openai", "path": "m", "api": {"base_url": "https://host/v1"}}
    needs = resources(folder, {**STUDY, "judge": remote})
    assert needs["judge"] == {"0 1 4000"} and needs["calibrate"] == {"4 1 13000"}


LOOK = """include: "Snakefile"

for each in workflow.rules:
    print("environment", each.name, each.conda_env)
"""


@pytest.mark.parametrize("engine, launcher", [("transformers", "run"), ("vllm", "sample")])
def test_a_local_judge_has_the_environment_and_launcher_of_the_engine(tmp_path, engine, launcher):
    """The judge of the samples as the judge of the answers: the engine loads the same model."""
    folder = copy_project(tmp_path / "engines")
    python = {"python": sys.executable} if engine == "vllm" else {}
    gold = folder / "gold"
    gold.mkdir()
    reply = {"id": "g1", "trait": "bliss", "kind": "chat", "prompt": "a", "response": "b"}
    write_jsonl(gold / "replies.jsonl", [reply])
    (gold / "ratings.csv").write_text("id,trait_score,coherence\ng1,0,100\n")
    study = {**STUDY, "models": [{**MODEL, "gpus": 0}], "judge": {"gold": "gold"}}
    study["engine"] = {"backend": engine, **python}
    (folder / "large.yaml").write_text(yaml.safe_dump(study))
    (folder / "look.smk").write_text(LOOK)
    done = snakemake(
        folder, "-n", "-p", "scores", "results/large/gold_scores.csv", "-s", "look.smk",
        "--configfile", "large.yaml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    environments = dict(
        re.findall(r"^environment (\w+) \S*envs/(\w+\.yaml)", done.stdout, re.MULTILINE)
    )
    environment = "sample.yaml" if engine == "vllm" else "train.yaml"
    assert environments["judge_generated"] == environments["judge"] == environment
    assert environments["calibrate"] == environments["finetune_dpo"] == "train.yaml"
    launchers: dict[str, set[str]] = {}
    for (rule, job), command in commands_in(done.stdout).items():
        # only dpo's seed rows are sampled, the rejected replies
        name = f"{rule}_{job.partition('.')[0]}" if rule == "seed_data" else rule
        word = re.search(r"python -m idempotence.launch (\w+) ", command)[1]
        launchers.setdefault(name, set()).add(word)
    engines = ["judge_generated", "judge", "judge_initial", "judge_gold", "sample",
               "sample_initial"]  # fmt: skip
    assert launchers == {
        **{key: {launcher} for key in [*engines, "seed_data_dpo"]},
        **{key: {"run"} for key in ["calibrate", "finetune", "seed_data_sft"]},
        "gather_scores": {"analyse"}, "gather_initial": {"analyse"},
    }  # fmt: skip


def test_profiles_share_no_key():
    """Keys of profiles/default win over those of a profile that comes on top of it."""
    keys = {
        path.parent.name: set(yaml.safe_load(path.read_text()))
        for path in (ROOT / "profiles").glob("*/config.yaml")
    }
    assert {"default", "gpu", "slurm"} <= set(keys)
    assert all(not keys["default"] & mine for name, mine in keys.items() if name != "default")
