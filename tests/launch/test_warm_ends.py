"""How warm jobs end, whatever is killed, and when jobs start cold instead."""

import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from warm_session import (
    PARENT,
    SOURCE,
    WAIT_FOR_EVER,
    Session,
    new_session,
    running,
    started,
    until,
)

from idempotence.environment_names import SESSION
from idempotence.launch.folder import PREFIX, remove_left_folders

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux")


@pytest.fixture
def session(tmp_path):
    with new_session(tmp_path) as session:
        yield session


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_job(session, number):
    script = session.script(
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda n, f: (print('got', n), sys.exit(5)))\n"
        "open(sys.argv[1], 'a').write('1 1\\n')\ntime.sleep(300)\n"
    )
    client = session.start(script, "pids")
    started(session.folder / "pids")
    client.send_signal(number)
    assert client.communicate(timeout=20)[0] == f"got {int(number)}\n"
    assert client.returncode == 5


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_that_a_job_does_not_handle_end_it(session, number, status):
    client = session.start(session.script(WAIT_FOR_EVER), "pids")
    [[job, child]] = started(session.folder / "pids")
    client.send_signal(number)
    client.communicate(timeout=20)
    assert client.returncode == status
    until(lambda: not running(job) and not running(child))


def test_killing_a_client_kills_its_job_and_no_other(session):
    script = session.script(WAIT_FOR_EVER)
    first = session.start(script, "first")
    second = session.start(script, "second")
    [[job, child]] = started(session.folder / "first")
    [[other, _]] = started(session.folder / "second")
    first.kill()
    until(lambda: not running(job) and not running(child))
    assert running(other) and second.poll() is None
    assert session.run(session.script(PARENT, "parent.py"))[1] == f"{session.servers()[0]}\n"


def test_killing_the_session_leaves_no_process_and_no_file(session):
    script = session.script(WAIT_FOR_EVER)
    clients = [session.start(script, "pids") for _ in range(3)]
    pids = [pid for row in started(session.folder / "pids", 3) for pid in row]
    pids += session.servers()
    assert len(pids) == 7 and all(map(running, pids))
    session.kill()
    until(lambda: not any(map(running, pids)) and not session.alive())
    assert [client.wait(20) for client in clients] == [137] * 3
    until(lambda: not session.folders())


def test_killing_the_session_while_the_server_loads_runs_nothing(session):
    session.script("import time\ntime.sleep(300)\n", "slow_module.py")
    session.settings |= {
        "PYTHONPATH": f"{SOURCE}:{session.folder}",
        "IDEMPOTENCE_WARM_PRELOAD": "slow_module",
    }
    client = session.start(session.script("open('ran', 'w')\n"))
    until(session.servers)
    session.kill()
    assert client.wait(20) == 137
    until(lambda: not session.alive() and not session.folders())
    assert not (session.folder / "ran").exists()


def test_killing_the_server_ends_its_jobs_and_none_runs_twice(session):
    client = session.start(session.script(WAIT_FOR_EVER), "pids")
    [[job, child]] = started(session.folder / "pids")
    [server] = session.servers()
    os.kill(server, signal.SIGKILL)
    _, err = client.communicate(timeout=20)
    assert client.returncode == 137
    assert "its job with it" in err
    until(lambda: not running(job) and not running(child))
    assert len(started(session.folder / "pids")) == 1
    status, out, err = session.run(session.script("print('cold')\n"))
    assert (status, out) == (0, "cold\n")
    assert err.startswith("warm start: the preloaded process has ended") and err.count("\n") == 1


def test_a_forked_job_never_runs_again_whatever_fails_in_its_client(session):
    script = session.script(WAIT_FOR_EVER)
    with open("/dev/full", "w") as full:
        client = session.start(script, "pids", stderr=full)
    started(session.folder / "pids")
    os.kill(session.servers()[0], signal.SIGKILL)
    assert client.wait(20) == 137
    assert len(started(session.folder / "pids")) == 1


def test_a_note_that_cannot_be_written_does_not_keep_a_job_from_running(session):
    (session.folder / "bad.py").write_text("raise RuntimeError('broken')\n")
    session.settings |= {
        "PYTHONPATH": f"{SOURCE}:{session.folder}",
        "IDEMPOTENCE_WARM_PRELOAD": "bad",
    }
    with open("/dev/full", "w") as full:
        client = session.start(session.script("print('ran')\n"), stderr=full)
    assert client.communicate(timeout=20)[0] == "ran\n"
    assert client.returncode == 0


def test_a_server_removes_what_a_killed_one_left(session, tmp_path):
    session.run(session.script(""))
    [server] = session.servers()
    os.kill(server, signal.SIGKILL)
    session.kill()
    assert len(session.folders()) == 1
    later = Session(tmp_path, session.temporary)
    try:
        later.run(later.script(""))
        assert len(session.folders()) == 1
    finally:
        later.close()
    until(lambda: not session.folders())


HOLDS_FILES = """
import os, sys, tempfile, time
with tempfile.TemporaryDirectory() as folder:
    open(sys.argv[1], "w").write(f"{os.getpid()} {folder}\\n")
    time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("cold", [True, False])
def test_temporary_files_of_a_killed_job_are_swept(session, cold):
    def left():
        return list(session.temporary.glob("idempotence-job-*"))

    done = session.start(session.script(HOLDS_FILES), "done", 0, cold=cold)
    assert done.wait(30) == 0 and not left()
    assert "idempotence-job-" in (session.folder / "done").read_text()
    killed = session.start(session.script(HOLDS_FILES), "killed", 300, cold=cold)
    said = until(
        lambda: (session.folder / "killed").exists() and (session.folder / "killed").read_text()
    )
    job = int(said.split()[0])
    assert len(left()) == 1
    os.kill(job, signal.SIGKILL)
    killed.wait(20)
    if not cold:
        session.kill()
        until(lambda: not session.folders() and not left())  # the server removes one after another
    else:
        remove_left_folders(str(session.temporary))
    assert not left()


def test_folders_of_other_machines_are_swept_when_they_are_old(tmp_path):
    names = [f"{kind}-{os.getuid()}-abcdef-1-1-ab" for kind in (PREFIX, "idempotence-job")]
    names += [f"{PREFIX}-{os.getuid() + 1}-abcdef-1-1-ab", "others"]
    for name in names:
        (tmp_path / name).mkdir()
    remove_left_folders(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 4
    for name in names:
        os.utime(tmp_path / name, (0, 0))
    remove_left_folders(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[2:])


@pytest.mark.parametrize("head", [struct.pack("!I", 2**31), struct.pack("!I", 2) + b"{}more"])
def test_a_request_that_is_too_large_is_dropped_at_once(session, head):
    assert session.run(session.script("print('ran')\n"))[1] == "ran\n"
    [folder] = session.folders()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(session.temporary / folder / "socket"))
        client.recv(64)
        client.sendall(head)
        assert client.recv(64) == b""  # the server has hung up
    assert session.run(session.script("print('ran')\n"))[1] == "ran\n"


@pytest.mark.parametrize("name", ["", "nonsense", "another-host:1", "{host}:{dead}", "{host}:x"])
def test_without_a_living_session_of_this_machine_jobs_start_cold(session, name):
    dead = subprocess.Popen(["true"])
    dead.wait()
    name = name.format(host=socket.gethostname(), dead=dead.pid)
    status, out, err = session.run(session.script(PARENT), env={SESSION: name})
    assert (status, out, err) == (0, f"{os.getpid()}\n", "")
    assert not session.folders()


@pytest.mark.parametrize(
    "crash", ["raise RuntimeError('broken')", "import os; os._exit(9)", "import os; os.abort()"]
)
def test_a_preload_that_crashes_leaves_jobs_cold_and_is_not_tried_again(session, crash):
    session.script(f"open({str(session.folder / 'tries')!r}, 'a').write('x')\n{crash}\n", "bad.py")
    session.settings |= {
        "PYTHONPATH": f"{SOURCE}:{session.folder}",
        "IDEMPOTENCE_WARM_PRELOAD": "yaml bad",
    }
    script = session.script(PARENT + "raise SystemExit(4)\n")
    for _ in range(2):
        status, out, err = session.run(script)
        assert (status, out) == (4, f"{os.getpid()}\n")
        assert err.startswith("warm start: the preloaded process has ended")
        assert err.count("\n") == 1
        assert ("RuntimeError: broken" in err) == ("broken" in crash)
    assert (session.folder / "tries").read_text() == "x"


def test_a_module_that_is_missing_is_left_out(session):
    session.settings["IDEMPOTENCE_WARM_PRELOAD"] = "no_such_module yaml:no_such_name"
    status, out, err = session.run(session.script(PARENT))
    assert "starting cold" in err  # a wrong name is a mistake in the list, not a missing module
    session.settings["IDEMPOTENCE_WARM_PRELOAD"] = "no_such_module yaml:safe_load"
    status, out, err = session.run(session.script(PARENT))
    assert (status, out, err) == (0, f"{session.servers()[0]}\n", "")


def test_a_server_with_a_second_thread_forks_nothing(session):
    session.script(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n",
        "threaded.py",
    )
    session.settings |= {
        "PYTHONPATH": f"{SOURCE}:{session.folder}",
        "IDEMPOTENCE_WARM_PRELOAD": "threaded",
    }
    status, out, err = session.run(session.script(PARENT))
    assert (status, out) == (0, f"{os.getpid()}\n")
    assert "does not fork (threads: " in err and err.endswith("; starting cold\n")


def test_a_server_that_is_late_is_waited_for_once_and_used_when_it_is_up(session):
    session.script(
        "import os, time\nwhile not os.path.exists(os.environ['GO']):\n    time.sleep(0.05)\n",
        "slow_module.py",
    )
    session.settings |= {
        "PYTHONPATH": f"{SOURCE}:{session.folder}",
        "IDEMPOTENCE_WARM_PRELOAD": "slow_module",
        "IDEMPOTENCE_WARM_SECONDS": "1",
        "GO": str(session.folder / "go"),
    }
    script = session.script(PARENT + "open('runs', 'a').write('x')\n")
    cold = (0, f"{os.getpid()}\n", "warm start: the preloaded process is late; starting cold\n")
    assert session.run(script) == cold
    begun = time.monotonic()
    assert session.run(script) == cold
    assert time.monotonic() - begun < 0.9
    (session.folder / "go").touch()
    [server] = session.servers()
    until(lambda: session.run(script)[1] == f"{server}\n")
    runs = len((session.folder / "runs").read_text())
    assert runs == len(session.clients)  # the requests given up were not run later as well


def test_a_folder_of_the_wrong_kind_is_not_trusted(session):
    session.run(session.script(PARENT))
    [name] = session.folders()
    (session.temporary / name).chmod(0o755)
    _, out, err = session.run(session.script(PARENT))
    assert out == f"{os.getpid()}\n"
    assert "not a private folder" in err


def test_the_client_imports_the_standard_library_only(session):
    """What a client costs: it must be small beside the imports it saves."""
    script = session.script("import sys\nprint(len(sys.modules), *sys.modules)\n")
    number, *names = session.run(script, cold=True)[1].split()
    tops = {name.partition(".")[0] for name in names}
    assert not tops & {"numpy", "pandas", "torch", "yaml", "pydantic", "subprocess", "tempfile"}
    assert int(number) < 120


@pytest.mark.parametrize("kind", ["run", "cold"])
def test_a_cold_job_ends_with_the_session_too(session, kind):
    if kind == "run":  # one whose server was killed
        session.run(session.script("pass\n"))
        os.kill(session.servers()[0], signal.SIGKILL)
    client = session.start(session.script(WAIT_FOR_EVER), "pids", kind=kind)
    [[job, child]] = started(session.folder / "pids")
    assert job == client.pid and not session.servers()
    session.kill()
    assert client.wait(20) == -signal.SIGKILL
    until(lambda: not running(child) and not session.alive())
