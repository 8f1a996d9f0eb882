"""A study whose processes are killed at random moments ends with the bytes of one left alone.

KILLS sets how many processes are killed, 8 unless given; `make test-faults` kills 30.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from make_project import copy_project, digest, run_study, snakemake
from warm_session import until
from workflow_parts import log_of, of_session, parts

from idempotence.launch.folder import JOB, PREFIX

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "8"))
# Kinds of processes, one after the other. After a killed main process the study is started again.
KINDS = ("job", "client", "server", "main")
TINY = ("--configfile", "studies/tiny.yaml")
# These hold times, of jobs or of the run.
TIMED = ("benchmarks", "logs", "training.json", "training.csv", "training.parquet", "costs.csv",
         "costs.parquet", "tables.html", "report.html")  # fmt: skip


def names_of(folder: Path) -> dict[str, Path]:
    """The files that two runs of the study have alike, by their names."""
    results = folder / "results/tiny"
    paths = [path for path in results.rglob("*") if path.is_file()]
    names = [path.relative_to(results) for path in paths]
    both = zip(names, paths, strict=True)
    return {str(name): path for name, path in both if not set(name.parts) & set(TIMED)}


def files_of(folder: Path) -> dict[str, str]:
    """File -> digest."""
    return {name: digest(path) for name, path in names_of(folder).items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[dict[str, str], float]:
    """(files of a study that was left alone, seconds that it took)."""
    folder = copy_project(tmp_path_factory.mktemp("whole"))
    began = time.monotonic()
    run_study(folder, *TINY)
    return files_of(folder), time.monotonic() - began


@pytest.fixture
def temporary() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))  # a socket's name must be short
    yield folder
    shutil.rmtree(folder)


class Runs:
    """The study in a folder, started again and again. rng: chooses which process is killed."""

    def __init__(self, folder: Path, temporary: Path, rng: random.Random):
        self.folder, self.temporary, self.rng = folder, temporary, rng
        self.process: subprocess.Popen | None = None
        self.starts = 0

    def start(self) -> None:
        """Have the study run."""
        self.end()
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *TINY]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        with open(self.folder / "said.txt", "a") as said:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=said, stderr=said,
                env=environment | {"TMPDIR": str(self.temporary)},
            )  # fmt: skip
        self.starts += 1

    @property
    def status(self) -> int | None:
        """Exit status of the last start; None while it runs."""
        return None if self.process is None else self.process.poll()

    def end(self) -> None:
        """Wait until no process of the last start is left, and take its lock away."""
        if self.process is None:
            return
        self.process.wait()
        main = self.process.pid
        until(lambda: not of_session(main), 60)
        if list((self.folder / ".snakemake/locks").glob("*")):
            done = snakemake(self.folder, "--unlock", *TINY)
            assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        """Leave no process behind, whatever happened."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def one_of(self, kind: str) -> int | None:
        """A process of a kind, waited for; None where the run ends before there is one."""
        while self.status is None:
            if found := parts(self.process.pid)[kind]:
                return self.rng.choice(found)
            time.sleep(0.3)
        return None


def killed(runs: Runs, kind: str, pause: float) -> str | None:
    """Kill a process of a kind some seconds after there is one; returns what it did.

    None where the run ended before.
    """
    if runs.one_of(kind if kind != "main" else "client") is None:
        return None
    time.sleep(pause)
    while (pid := runs.one_of(kind)) is not None:
        log = log_of(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it has just ended
        return log or "-"
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_study_that_is_killed_often_ends_with_the_same_bytes(whole, tmp_path, temporary):
    files, seconds = whole
    folder = copy_project(tmp_path / "killed")
    rng = random.Random(0)
    runs, done, studies = Runs(folder, temporary, rng), 0, 1
    try:
        runs.start()
        while done < KILLS:
            kind = KINDS[done % len(KINDS)]
            what = killed(runs, kind, rng.uniform(0, 2 * seconds / KILLS))
            if what is not None:
                done += 1
                there = len(set(names_of(folder)) & set(files))
                print(f"kill {done} of {KILLS}: {kind} ({what}), {there} of {len(files)} files")
            elif runs.status == 0:  # the study has ended: the rest of the kills need another one
                runs.end()
                assert files_of(folder) == files
                shutil.rmtree(folder / "results/tiny")
                studies += 1
            if kind == "main" or what is None:
                runs.start()
        while runs.process.wait() != 0:  # one start may end with what the last kill made fail
            assert runs.starts <= 2 * KILLS + 2
            runs.start()
        runs.end()
    finally:
        runs.stop()
    print(f"{done} kills, {runs.starts} starts, {studies} studies")
    assert files_of(folder) == files
    assert "Traceback" not in (folder / "said.txt").read_text()
    assert not list((folder / "results").rglob("*.tmp"))
    left = [name for name in os.listdir(temporary) if name.startswith((PREFIX, JOB))]
    assert not left
