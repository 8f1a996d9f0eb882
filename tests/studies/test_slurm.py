"""A small study through a real Slurm, with the profile that is for it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from make_project import copy_project, digest, run_study, snakemake
from make_slurm import CLUSTER, ask, hindrance, slurm, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(hindrance()), reason=str(hindrance())),
]

# its model asks for a device, though nothing computes on it here
STUDY = {
    "study": "far", "traits": ["bliss"], "seeds": 1, "cycles": 1,
    "settings": {"dpo": {"objective": "dpo", "start": "previous"}},
    "models": [{"name": "micro", "kind": "instruct", "path": "world/instruct", "gpus": 1}],
    "seed_rows": 16, "dpo": {"cells": {"beta": [0.1], "pairs": [8], "n_seed": 8}},
    "evaluation": {"questions": 2, "samples_per_question": 1},
}  # fmt: skip
SCORES = ["initial.parquet", "dpo/micro/bliss/seed0/cycle0/scores.parquet"]
FILES = [f"results/far/{name}" for name in SCORES]
# unlike a large cluster: no accounts are kept, and the status of jobs is asked for at once
FAR = ["--profile", "profiles/slurm", "--slurm-status-command", "squeue", "--retries", "0",
       "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20"]  # fmt: skip
CONFIG = ["--configfile", "far.yaml"]


def study_in(folder: Path) -> Path:
    copy_project(folder)
    (folder / "far.yaml").write_text(yaml.safe_dump(STUDY))
    return folder


def jobs(state: str = "") -> dict[str, str]:
    """Slurm's own jobs: number -> rule; of one state, or all that it remembers."""
    listed = ask("scontrol", "-o", "show", "job")
    wanted = (
        rf"JobId=(\d+) .*JobState={state or '[A-Z]+'} .*Comment=rule_(\w+?)(?:_wildcards_\S*)? "
    )
    return dict(re.findall(wanted, listed))


def running(rule: str) -> str | None:
    return next((job for job, its_rule in jobs("RUNNING").items() if its_rule == rule), None)


def processes(**variables: str) -> dict[int, tuple[str, dict[str, str]]]:
    """Processes whose environment has all of these: pid -> (command line, environment)."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        environment = dict(word.split("=", 1) for word in words if "=" in word)
        if variables.items() <= environment.items():
            found[int(folder.name)] = (command.replace("\0", " "), environment)
    return found


def environment_of(job: str, script: str) -> dict[str, str] | None:
    """The environment in which Slurm has started a script."""
    its = processes(SLURM_JOB_ID=job).values()
    started = re.compile(rf"-m idempotence\.launch run .*\b{script} ")
    return next((environment for command, environment in its if started.search(command)), None)


def left_of_jobs(seconds: float) -> list[str]:
    """Processes of jobs that do not end in time. One may still end when its job is complete."""
    end = time.monotonic() + seconds
    while (left := processes(SLURM_CLUSTER_NAME=CLUSTER)) and time.monotonic() < end:
        time.sleep(0.2)
    return [f"job {its.get('SLURM_JOB_ID')}: {command}" for command, its in left.values()]


def test_a_study_runs_through_slurm_to_the_same_bytes(tmp_path, monkeypatch):
    here, far = study_in(tmp_path / "here"), study_in(tmp_path / "far")
    with monkeypatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        run_study(here, *FILES, *CONFIG)
    with slurm():
        first = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *FAR, *FILES, *CONFIG], cwd=far,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        job = until(lambda: running("finetune_dpo"), 240)
        environment = until(lambda: environment_of(job, "finetune"), 120)
        assert "GRES=gpu:1(IDX:" in ask("scontrol", "-d", "show", "job", job)
        assert environment["CUDA_VISIBLE_DEVICES"] in ("0", "1")
        # no preloaded process outlives a job on a node
        assert "IDEMPOTENCE_SESSION" not in environment
        ask("scancel", job)
        _, errors = first.communicate(timeout=300)
        assert first.returncode != 0 and f"SLURM-job '{job}' failed" in errors
        assert not (far / FILES[1]).exists()

        again = snakemake(far, *FAR, *FILES, *CONFIG)
        assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-6000:]
        sent = list(jobs().values())
        assert sorted(set(sent)) == [
            "finetune_dpo", "judge", "judge_initial", "sample", "sample_initial", "seed_data",
        ]  # fmt: skip
        assert sent.count("finetune_dpo") == 2 and sent.count("judge_initial") == 1
        gpu_jobs = re.findall(
            r"Comment=rule_(\w+?)_wild.*TresPerJob=gres:gpu:1", ask("scontrol", "-o", "show", "job")
        )
        assert {"finetune_dpo", "sample", "seed_data"} <= set(gpu_jobs)
        assert not {"judge", "judge_initial"} & set(gpu_jobs)
        assert left_of_jobs(60) == []
    # a job on a node measures itself, too
    usage = far / "results/far/benchmarks/finetune/dpo.micro.bliss.0.0.tsv"
    used = dict(zip(*(line.split("\t") for line in usage.read_text().splitlines()), strict=True))
    assert float(used["max_rss"]) > 100 and float(used["mean_load"]) > 0
    for file in FILES:
        assert digest(far / file) == digest(here / file), file
    assert not os.path.exists("/etc/slurm/slurm.conf")
