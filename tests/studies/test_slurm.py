"""A small study through a real Slurm of two nodes, with the profile that is for it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from make_project import copy_project, digest, run_study
from make_slurm import CLUSTER, Cluster, ask, hindrance, processes, slurm, states, until

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
FAR = ["--profile", "profiles/slurm", "--slurm-status-command", "squeue",
       "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "20"]  # fmt: skip
CONFIG = ["--configfile", "far.yaml"]


def study_in(folder: Path) -> Path:
    copy_project(folder)
    (folder / "far.yaml").write_text(yaml.safe_dump(STUDY))
    return folder


def jobs(state: str = "") -> dict[str, str]:
    """Slurm's own jobs: number -> rule; of one state, or all that it remembers."""
    wanted = (
        rf"JobId=(\d+) .*JobState={state or '[A-Z]+'} .*Comment=rule_(\w+?)(?:_wildcards_\S*)? "
    )
    return dict(re.findall(wanted, ask("scontrol", "-o", "show", "job")))


def field(job: str, name: str) -> str:
    """What Slurm keeps of a job; "" where it keeps nothing."""
    found = re.search(rf" {name}=(\S*)", ask("scontrol", "-d", "-o", "show", "job", job))
    return found[1] if found else ""


def running(rule: str, seconds: float = 400) -> str:
    """A job of a rule that runs, waited for."""
    return until(
        lambda: next((job for job, its in jobs("RUNNING").items() if its == rule), None), seconds
    )


def scripts_of(job: str, script: str) -> list[tuple[int, dict[str, str]]]:
    """(pid, environment) of a script that Slurm has started."""
    started = re.compile(rf"-m idempotence\.launch run .*\b{script} ")
    mine = processes(SLURM_JOB_ID=job).items()
    # the shell that starts it has the script in its command line, too
    return [(pid, its) for pid, (line, its) in mine if started.match(line.partition(" ")[2])]


def script_of(job: str, script: str) -> tuple[int, dict[str, str]]:
    """The first of them, waited for."""
    return until(lambda: scripts_of(job, script), 200)[0]


def left_of_jobs(seconds: float) -> list[str]:
    """Processes of jobs that do not end in time. One may still end when its job is complete."""
    end = time.monotonic() + seconds
    while (left := processes(SLURM_CLUSTER_NAME=CLUSTER)) and time.monotonic() < end:
        time.sleep(0.2)
    return [f"job {its.get('SLURM_JOB_ID')}: {command}" for command, its in left.values()]


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> dict[str, str]:
    """File -> digest, of the study without Slurm."""
    folder = study_in(tmp_path_factory.mktemp("here"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        run_study(folder, *FILES, *CONFIG)
    return {file: digest(folder / file) for file in FILES}


@contextmanager
def study_on_slurm(folder: Path, files: list[str], *options: str) -> Iterator[subprocess.Popen]:
    """Snakemake, which makes files of the study with these options."""
    command = [sys.executable, "-m", "snakemake", *files, *CONFIG, *options]
    with open(folder / "said.txt", "w") as said:
        study = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
    try:
        yield study
    finally:
        if study.poll() is None:
            study.kill()
            study.wait()


def end_a_node(cluster: Cluster, job: str) -> None:
    """The node of a job dies: Slurm gives the same job to the other one. Then it comes back."""
    node = field(job, "NodeList")
    cluster.kill_node(node)
    until(lambda: states()[node] == "down*", 200)
    until(lambda: field(job, "Restarts") == "1", 200)
    until(lambda: field(job, "JobState") == "RUNNING", 400)
    assert field(job, "NodeList") != node
    cluster.start_node(node)
    until(lambda: states()[node] in ("idle", "alloc"), 200)


def restart_a_daemon(cluster: Cluster, job: str) -> None:
    """The daemon of a job's node ends and comes back; the job goes on meanwhile."""
    node = field(job, "NodeList")
    cluster.kill_daemon(node)
    cluster.start_node(node)


def hang(job: str) -> None:
    """A job's script stops without an end, until Slurm ends the job at its limit."""

    def over() -> bool:
        for pid, _ in scripts_of(job, "judge"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return field(job, "JobState") == "TIMEOUT"

    until(over, 400)


def attempts(rule: str, name: str) -> list[str]:
    """What Slurm keeps of each attempt at the jobs of a rule, in their order."""
    mine = sorted((job for job, its in jobs().items() if its == rule), key=int)
    return [field(job, name) for job in mine]


# `seed_data` has too little memory at first; `judge` has few minutes; those of jobs that load the
# model depend on it, as a large one's would
ON_GPU = ("seed_data", "sample_initial", "finetune_dpo", "sample")
BY_MODEL = [f"{rule}:runtime=30 if wildcards.model == 'micro' else 600" for rule in ON_GPU]
LIMITS = ["--set-resources", "seed_data:mem_mb=attempt ** 4 * 300",
          "judge:runtime=attempt ** 3 * 3", *BY_MODEL]  # fmt: skip


def test_a_study_on_slurm_rides_out_faults_and_ends_with_the_same_bytes(here, tmp_path):
    """In one start: a job with too little memory, a cancelled one, a dead node, a restarted daemon,
    a job that hangs.

    Slurm's own polling ends a job over its memory, and calls it FAILED; with cgroups the state is
    OUT_OF_MEMORY. Both are tried again.
    """
    far = study_in(tmp_path)
    with slurm() as cluster:
        with study_on_slurm(far, FILES, *FAR, *LIMITS) as study:
            job = running("sample_initial")
            script_of(job, "sample")
            ask("scancel", job)
            training = running("finetune_dpo", 900)
            _, environment = script_of(training, "finetune")
            assert "GRES=gpu:1(IDX:" in ask("scontrol", "-d", "show", "job", training)
            assert environment["CUDA_VISIBLE_DEVICES"] in ("0", "1")
            # no preloaded process outlives a job on a node
            assert "IDEMPOTENCE_SESSION" not in environment
            end_a_node(cluster, training)
            restart_a_daemon(cluster, running("sample", 900))
            hang(running("judge", 900))
            assert study.wait(1500) == 0, (far / "said.txt").read_text()[-6000:]
        check_attempts(training)
        assert left_of_jobs(60) == []
    # a job on a node measures itself, too
    usage = far / "results/far/benchmarks/finetune/dpo.micro.bliss.0.0.tsv"
    used = dict(zip(*(line.split("\t") for line in usage.read_text().splitlines()), strict=True))
    assert float(used["max_rss"]) > 100 and float(used["mean_load"]) > 0
    assert {file: digest(far / file) for file in FILES} == here
    assert not os.path.exists("/etc/slurm/slurm.conf")


def check_attempts(training: str) -> None:
    """What each fault led to, and what the jobs asked for."""
    assert set(jobs().values()) == {*ON_GPU, "judge", "judge_initial"}
    assert attempts("seed_data", "JobState") == ["FAILED", "COMPLETED"]
    assert attempts("seed_data", "MinMemoryNode") == ["300M", "4800M"]
    assert attempts("sample_initial", "JobState") == ["CANCELLED", "COMPLETED"]
    assert attempts("finetune_dpo", "JobState") == attempts("sample", "JobState") == ["COMPLETED"]
    assert attempts("finetune_dpo", "Restarts") == ["1"] and attempts("sample", "Restarts") == ["0"]
    assert attempts("judge", "JobState") == ["TIMEOUT", "COMPLETED"]
    assert attempts("judge", "TimeLimit") == ["00:03:00", "00:24:00"]
    assert attempts("sample", "TimeLimit") == ["00:30:00"]
    assert attempts("judge_initial", "TimeLimit") == ["04:00:00"]  # the profile's
    # setting, model, trait, seed and cycle
    assert field(training, "Comment") == "rule_finetune_dpo_wildcards_dpo_micro_bliss_0_0"
    assert {gpus for rule in ON_GPU for gpus in attempts(rule, "TresPerJob")} == {"gres:gpu:1"}
    assert set(attempts("judge", "TresPerJob")) == {""}


def test_another_executor_needs_a_profile_alone(here, tmp_path):
    """The plugin cluster-generic with commands of Slurm: a cancelled job is tried again, a study
    without more attempts ends and goes on when it is started again."""
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    far, files = study_in(tmp_path), FILES[:1]
    generic = ["--profile", "profiles/generic", "--latency-wait", "20"]
    with slurm():
        for retries, ends in (("0", False), ("2", True)):
            with study_on_slurm(far, files, *generic, "--retries", retries) as study:
                job = until(lambda: ask("squeue", "-h", "-t", "R", "-o", "%i").strip(), 200)
                script_of(job, "sample")
                name = ask("squeue", "-h", "-j", job, "-o", "%j").strip()
                assert name == "sample_initial model=micro,trait=bliss"
                assert field(job, "TimeLimit") == "04:00:00"
                ask("scancel", job)
                assert (study.wait(900) == 0) == ends, (far / "said.txt").read_text()[-6000:]
            assert (far / files[0]).exists() == ends
    assert digest(far / files[0]) == here[files[0]]
