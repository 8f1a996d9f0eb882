"""What a forked child does to become its client's job, and to end as a program of its own would."""

import os
import signal
import sys
import time

from idempotence.launch.protocol import FORWARDED, Job


def take_over(request: dict, fds: list[int], set_by_imports: dict[str, str]) -> Job:
    """Give this process its client's files, folder, environment and module path; returns the job.

    request: what `protocol.read_request` returns. fds: the client's files 0, 1, 2. set_by_imports:
    variables that importing sets.
    """
    import importlib
    import tempfile

    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ.update(set_by_imports)
    time.tzset()
    tempfile.tempdir = None
    sys.path[:] = request["path"]
    importlib.invalidate_caches()
    return request["job"]


def restore_signals() -> None:
    """Take back the server's signal handlers."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


def finish(status: int) -> int:
    """What the interpreter does at its end, but for taking itself apart; returns the status."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return status or 120  # Python's own status for output that could not be written
    return status


def end_by_interrupt() -> None:
    """End as Python does after a `KeyboardInterrupt` that nothing caught: by SIGINT."""
    sys.excepthook(*sys.exc_info())
    finish(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def lead_group(pid: int) -> None:
    """Make a child the leader of a process group; both sides do, for either may come first."""
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has ended already


def hindrance() -> str | None:
    """Why a fork would not be safe: a second thread or an open GPU driver; None if it is safe."""
    threads = os.listdir("/proc/self/task")
    if len(threads) != 1:
        return f"threads: {', '.join(map(_thread_name, threads))}"
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue  # the listing's own
        if target.startswith(("/dev/nvidia", "/dev/kfd")):
            return f"{target} is open"
    return None


def _thread_name(thread: str) -> str:
    try:
        with open(f"/proc/self/task/{thread}/comm") as file:
            return file.read().strip()
    except OSError:
        return "ended"
