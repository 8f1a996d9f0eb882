"""The file of what a job used: its own seconds, memory and load, warm and cold."""

import os
import signal
import sys

import pytest
from snakemake.benchmark import BenchmarkRecord
from warm_session import new_session, until

from idempotence.environment_names import SAMPLER, SESSION
from idempotence.launch.usage import COLUMNS, Usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux")

# 0.5 s of CPU, half a second of sleep, 100 MB of memory
WORK = """
import sys, time
block = bytearray(100 << 20)
block[::4096] = b"1" * len(block[::4096])
while time.process_time() < 0.5:
    pass
time.sleep(0.5)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def session(tmp_path):
    with new_session(tmp_path) as session:
        yield session


def values(path) -> dict[str, str]:
    header, line = path.read_text().splitlines()
    return dict(zip(header.split("\t"), line.split("\t"), strict=True))


@pytest.mark.parametrize("status", [0, 3])
@pytest.mark.parametrize("cold", [False, True])
def test_a_job_measures_itself(session, cold, status):
    path = session.folder / "new/folder/job.tsv"
    code, _, err = session.run(
        session.script(WORK), status, cold=cold, launch=["--usage", "new/folder/job.tsv"]
    )
    assert (code, err) == (status, "") and len(session.servers()) == (not cold)
    used = values(path)
    assert tuple(used) == COLUMNS == tuple(BenchmarkRecord.get_header())
    seconds, cpu, load = (float(used[name]) for name in ("s", "cpu_time", "mean_load"))
    assert 0.8 < seconds < 20 and 0.35 < cpu < 2
    assert load == pytest.approx(100 * cpu / seconds, rel=0.05)
    assert 100 < float(used["max_rss"]) < 400 and float(used["max_vms"]) > float(used["max_rss"])
    assert (used["max_uss"], used["max_pss"]) == ("NA", "NA")
    assert float(used["io_in"]) >= 0 and float(used["io_out"]) >= 0
    assert used["h:m:s"] == f"0:00:{int(seconds):02}"
    assert os.listdir(path.parent) == ["job.tsv"]


def test_children_of_a_job_count(session):
    script = session.script(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}, '0'])\n"
    )
    session.run(script, launch=["--usage", "job.tsv"])
    used = values(session.folder / "job.tsv")
    assert float(used["cpu_time"]) > 0.4 and float(used["max_rss"]) > 100


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_job_that_a_signal_ends_leaves_none_not_even_an_older_one(session, cold, number):
    path = session.folder / "job.tsv"
    path.write_text("of an earlier job\n")
    script = session.script(
        f"import os, time\nopen('begun', 'w').close()\nos.kill(os.getpid(), {int(number)})\n"
        "time.sleep(60)\n"
    )
    code, _, _ = session.run(script, cold=cold, launch=["--usage", path])
    assert code == 128 + number and (session.folder / "begun").exists()
    assert not path.exists()


def test_a_job_whose_client_is_killed_leaves_none(session):
    client = session.start(
        session.script("open('begun', 'w').close()\nimport time\ntime.sleep(60)\n"),
        launch=["--usage", "job.tsv"],
    )
    until(lambda: (session.folder / "begun").exists())
    client.kill()
    until(lambda: len(session.alive()) == 1)  # the server
    assert not (session.folder / "job.tsv").exists()


def test_another_interpreter_gets_the_options(session, tmp_path):
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    environment = {**os.environ, **session.settings, SAMPLER: str(other)}
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], *sys.path])
    script = session.script(
        "import os, sys\nprint(sys.executable, os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    client = session.start(
        script, kind="sample", launch=["--usage", "job.tsv", "--gpus", 0], env=environment
    )
    out, err = client.communicate(timeout=60)
    assert (out, err) == (f"{other} \n", "")
    assert float(values(session.folder / "job.tsv")["s"]) < 10
    assert environment[SESSION] and not session.servers()


def test_waiting_for_the_start_does_not_count():
    begun = Usage()
    begun.wall -= 90061.5
    used = dict(zip(COLUMNS, begun.values(), strict=True))
    assert used["h:m:s"] == "1 day, 1:01:01" and float(used["s"]) == pytest.approx(90061.5, abs=0.5)


def test_both_columns_of_the_time_round_alike(monkeypatch):
    begun = Usage()
    monkeypatch.setattr("time.monotonic", lambda: begun.wall + 0.9996)
    used = dict(zip(COLUMNS, begun.values(), strict=True))
    assert (used["s"], used["h:m:s"]) == ("1.00", "0:00:01")


def test_a_file_that_cannot_be_written_is_an_error_before_the_job_begins(session):
    (session.folder / "file").write_text("")
    script = session.script("print('ran')\n")
    status, out, err = session.run(script, launch=["--usage", "file/job.tsv"])
    assert (status, out) == (2, "") and err.startswith("error: --usage file/job.tsv: ")


@pytest.mark.parametrize("launch", [["--usage"], ["--gpus"], ["--cores", "2"], ["--usage", "x"]])
def test_a_command_line_of_another_form_is_an_error(session, launch):
    client = session.start("--help", launch=launch)
    _, err = client.communicate(timeout=60)
    assert client.returncode == 2 and "[--usage FILE] [--gpus N] SCRIPT" in err
