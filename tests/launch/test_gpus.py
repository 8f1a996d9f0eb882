"""Jobs of one machine never share a GPU, and see no more of them than they take."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from idempotence.environment_names import SESSION, SHARED_GPUS, VISIBLE_GPUS
from idempotence.errors import UserError
from idempotence.launch import gpus

SOURCE = Path(__file__).parents[2] / "src"
# Prints the devices that it sees, and when it began and ended; its file shows that it holds them.
JOB = """
import os, sys, time
seen, start = os.environ["CUDA_VISIBLE_DEVICES"], time.monotonic()
open(sys.argv[2], "w").close()
time.sleep(float(sys.argv[1]))
print(seen, start, time.monotonic())
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with four devices."""
    monkeypatch.delenv(SESSION, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv(VISIBLE_GPUS, "0,1,2,3")
    monkeypatch.setenv(SHARED_GPUS, "1")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "")  # so that it is as before after the test
    (tmp_path / "job.py").write_text(JOB)
    return tmp_path


def start(machine: Path, options: list, seconds: float, name: str = "held") -> subprocess.Popen:
    command = [sys.executable, "-m", "idempotence.launch", "run", *options, machine / "job.py"]
    return subprocess.Popen(
        [*map(str, command), str(seconds), str(machine / name)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def holds(machine: Path, name: str) -> None:
    end = time.monotonic() + 30
    while not (machine / name).exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_jobs_share_no_device_and_each_gets_its_turn(machine):
    counts = [1, 4, 2, 1, 2, 4, 1, 2, 1]
    jobs = [start(machine, ["--gpus", count], 0.3) for count in counts]
    held = []
    for count, job in zip(counts, jobs, strict=True):
        out, err = job.communicate(timeout=60)
        assert job.returncode == 0, err
        seen, begin, end = out.split()
        devices = seen.split(",")
        assert len(set(devices)) == count
        held += [(device, float(begin), float(end)) for device in devices]
    for device in "0123":
        mine = sorted(times for name, *times in held if name == device)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(mine))
    # while a small one ran, so did another: the machine was not used one job at a time
    assert any(a[0] != b[0] and a[1] < b[1] < a[2] for a in held for b in held)


def test_a_killed_job_lets_go_of_its_devices(machine):
    killed = start(machine, ["--gpus", 4], 300, "first")
    holds(machine, "first")
    waiting = start(machine, ["--gpus", 1], 0, "second")
    line = waiting.stderr.readline()
    assert line == "waiting for a GPU\n" and not (machine / "second").exists()
    killed.send_signal(signal.SIGKILL)
    out, _ = waiting.communicate(timeout=30)
    killed.communicate()
    assert waiting.returncode == 0 and out.startswith("0 ")


def test_a_job_that_takes_none_sees_none(machine):
    out, err = start(machine, ["--gpus", 0], 0).communicate(timeout=30)
    assert out.startswith(" ") and not err


def test_without_a_number_nothing_is_hidden_or_locked(machine):
    out, err = start(machine, [], 0).communicate(timeout=30)
    assert out.startswith("0,1,2,3 ") and not err
    assert not list(machine.glob("idempotence-gpus-*"))


def test_devices_of_a_batch_system_are_not_locked(machine, monkeypatch):
    monkeypatch.setenv(VISIBLE_GPUS, "GPU-5a,GPU-7b")
    assert gpus.take(1, shared=False) == ["GPU-5a", "GPU-7b"]
    assert os.environ[VISIBLE_GPUS] == "GPU-5a,GPU-7b"
    monkeypatch.setenv(SHARED_GPUS, "")
    out, _ = start(machine, ["--gpus", 2], 0).communicate(timeout=30)
    assert out.startswith("GPU-5a,GPU-7b ")
    assert not list(machine.glob("idempotence-gpus-*"))


def test_too_few_devices_are_an_error_of_one_line(machine, monkeypatch):
    monkeypatch.setenv(VISIBLE_GPUS, "0")
    job = start(machine, ["--gpus", 2], 0)
    _, err = job.communicate(timeout=30)
    assert job.returncode == 2 and err.count("\n") == 1 and err.startswith("error: ")
    assert "needs 2 GPU(s) and the job sees 1; set `gpus` of the model in the config" in err
    with pytest.raises(UserError, match="sees 1"):
        gpus.take(4, shared=True)


@pytest.mark.parametrize("number", ["one", "-1", "1.5", ""])
def test_a_number_that_is_none_is_an_error(machine, number):
    job = start(machine, ["--gpus", number], 0)
    _, err = job.communicate(timeout=30)
    assert (job.returncode, err) == (2, f"error: --gpus: {number!r} is not a number of GPUs\n")


def test_nvidia_smi_lists_the_devices(machine, monkeypatch):
    monkeypatch.delenv(VISIBLE_GPUS)
    monkeypatch.setenv("PATH", str(machine))
    assert gpus.visible() == []
    listing = machine / "nvidia-smi"
    listing.write_text("#!/bin/sh\necho 0\necho 1\n")
    listing.chmod(0o755)
    assert gpus.visible() == ["0", "1"]
    monkeypatch.setenv(VISIBLE_GPUS, "")
    assert gpus.visible() == []


@pytest.mark.parametrize("kind", ["others may enter", "a link", "a file"])
def test_locks_lie_in_a_folder_of_this_user_alone(machine, kind):
    folder = machine / f"idempotence-gpus-{os.getuid()}"
    if kind == "others may enter":
        folder.mkdir()
        folder.chmod(0o777)
    elif kind == "a link":
        (machine / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(machine / "elsewhere")
    else:
        folder.touch()
    job = start(machine, ["--gpus", 1], 0)
    _, err = job.communicate(timeout=30)
    assert job.returncode == 2 and err.startswith("error: ") and err.count("\n") == 1
    assert "is not a private folder of this user" in err and str(folder) in err
    assert not (machine / "elsewhere").exists() or not list((machine / "elsewhere").iterdir())


def test_locks_do_not_follow_links(machine):
    folder = machine / f"idempotence-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700)
    (folder / "0").symlink_to(machine / "elsewhere")
    job = start(machine, ["--gpus", 1], 0)
    job.communicate(timeout=30)
    assert job.returncode != 0 and not (machine / "elsewhere").exists()
