"""A study on a disk that fills, and two workflows in one folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from make_disk import small_disk
from make_project import copy_project, digest, run_study, snakemake

pytestmark = pytest.mark.slow
CYCLE = "results/tiny/sft/micro-instruct/bliss/seed0/cycle0"
TARGET = ("--configfile", "studies/tiny.yaml", "--", f"{CYCLE}/scores.parquet")
SIZES = [140, 220, 400, 800, 1600, 3200, 64_000]  # of the disk in kilobytes, one after the other


def results(folder: Path) -> dict[str, str]:
    """Digest of each file of rows, adapter and scores."""
    files = (folder / "results").rglob("*")
    kinds = (".jsonl", ".parquet", ".safetensors")
    return {str(f.relative_to(folder)): digest(f) for f in files if f.suffix in kinds}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A folder in which all went well."""
    folder = copy_project(tmp_path_factory.mktemp("whole"))
    run_study(folder, *TARGET, cores=1)
    return folder


def test_a_disk_that_fills_is_named_and_the_same_command_ends_with_the_same_bytes(whole, tmp_path):
    folder = copy_project(tmp_path / "full")
    full = 0
    with small_disk(folder / "results", SIZES[0]) as mount_again:
        for kilobytes in SIZES:
            mount_again(f"size={kilobytes}k")
            done = snakemake(folder, "--cores", "1", *TARGET)
            if done.returncode == 0:
                break
            text = done.stdout + done.stderr
            assert "cannot be written: No space left on device" in text
            assert "Traceback" not in text
            full += 1
        assert done.returncode == 0 and full >= 3
        assert results(folder) == results(whole)
        assert not list((folder / "results").rglob(".*.tmp"))


def test_a_second_workflow_in_one_folder_is_refused_and_writes_nothing(whole, tmp_path):
    folder = copy_project(tmp_path / "two")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *TARGET]
    first = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    while not list((folder / ".snakemake" / "locks").glob("*")) and first.poll() is None:
        time.sleep(0.05)
    done = snakemake(folder, "--cores", "1", *TARGET)
    assert first.poll() is None, "the first had ended already"
    assert done.returncode != 0 and "cannot be locked" in done.stdout + done.stderr
    assert first.wait(1500) == 0
    assert results(folder) == results(whole)
