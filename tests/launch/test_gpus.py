"""Jobs of one machine never share a GPU, and see no more of them than they need."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idempotence.errors import UserError
from idempotence.launch import client as warm
from idempotence.launch import gpus

SOURCE = Path(__file__).parents[2] / "src"
# What it saw, from when to when; a file says that it holds its devices.
JOB = """
import os, sys, time
seen, start = os.environ["CUDA_VISIBLE_DEVICES"], time.monotonic()
open(sys.argv[3], "w").close()
time.sleep(float(sys.argv[1]))
print(seen, start, time.monotonic())
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with four devices, and models that need none, one, two and four of them."""
    monkeypatch.delenv(warm.SESSION, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv(gpus.VISIBLE, "0,1,2,3")
    monkeypatch.setenv(gpus.NEEDS, "")  # so that they are as before after the test
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "")
    gpus.tell({"none": 0, "one": 1, "two": 2, "four": 4}, shared=True)
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


def start(machine: Path, model: str, seconds: float, name: str = "held") -> subprocess.Popen:
    command = [sys.executable, "-m", "idempotence.launch", "run", machine / "job.py"]
    return subprocess.Popen(
        [*map(str, command), str(seconds), model, str(machine / name)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def holds(machine: Path, name: str) -> None:
    end = time.monotonic() + 30
    while not (machine / name).exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_jobs_share_no_device_and_all_come_to_their_turn(machine):
    models = ["one", "four", "two", "one", "two", "four", "one", "two", "one"]
    jobs = [start(machine, model, 0.3) for model in models]
    held = []
    for model, job in zip(models, jobs, strict=True):
        out, err = job.communicate(timeout=60)
        assert job.returncode == 0, err
        seen, begin, end = out.split()
        devices = seen.split(",")
        assert len(set(devices)) == {"one": 1, "two": 2, "four": 4}[model]
        held += [(device, float(begin), float(end)) for device in devices]
    for device in "0123":
        mine = sorted(times for name, *times in held if name == device)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(mine))
    # while a small one ran, so did another: the machine was not used one job at a time
    assert any(a[0] != b[0] and a[1] < b[1] < a[2] for a in held for b in held)


def test_a_killed_job_lets_go_of_its_devices(machine):
    killed = start(machine, "four", 300, "first")
    holds(machine, "first")
    waiting = start(machine, "one", 0, "second")
    line = waiting.stderr.readline()
    assert line == "waiting for a GPU\n" and not (machine / "second").exists()
    killed.send_signal(signal.SIGKILL)
    out, _ = waiting.communicate(timeout=30)
    killed.communicate()
    assert waiting.returncode == 0 and out.startswith("0 ")


def test_without_a_model_that_needs_one_no_gpu_is_seen(machine):
    for model in ("none", "no-model-at-all"):
        out, err = start(machine, model, 0).communicate(timeout=30)
        assert out.startswith(" ") and not err


def test_devices_that_a_batch_system_gave_are_not_locked(machine, monkeypatch):
    gpus.tell({"one": 1}, shared=False)
    monkeypatch.setenv(gpus.VISIBLE, "GPU-5a,GPU-7b")
    assert gpus.take(["--model", "one"]) == ["GPU-5a", "GPU-7b"]
    assert os.environ[gpus.VISIBLE] == "GPU-5a,GPU-7b"
    assert not list(machine.glob("idempotence-gpus-*"))


def test_too_few_devices_are_told_in_one_line(machine, monkeypatch):
    monkeypatch.setenv(gpus.VISIBLE, "0")
    job = start(machine, "two", 0)
    _, err = job.communicate(timeout=30)
    assert job.returncode == 1 and err.count("\n") == 1
    assert "the model two needs 2 GPU(s) and this job sees 1" in err
    with pytest.raises(UserError, match="sees 1"):
        gpus.take(["four"])


def test_nvidia_smi_lists_the_devices(machine, monkeypatch):
    monkeypatch.delenv(gpus.VISIBLE)
    monkeypatch.setenv("PATH", str(machine))
    assert gpus.visible() == []
    listing = machine / "nvidia-smi"
    listing.write_text("#!/bin/sh\necho 0\necho 1\n")
    listing.chmod(0o755)
    assert gpus.visible() == ["0", "1"]
    monkeypatch.setenv(gpus.VISIBLE, "")
    assert gpus.visible() == []


def test_outside_of_a_workflow_nothing_is_hidden(machine, monkeypatch):
    monkeypatch.delenv(gpus.NEEDS)
    assert gpus.take(["--model", "one"]) == [] and os.environ[gpus.VISIBLE] == "0,1,2,3"
