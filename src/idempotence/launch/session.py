"""The session: the workflow's main process, which warm jobs belong to and end with."""

import os
import select
import signal
import socket
import sys
import threading
import time
from typing import NamedTuple

from idempotence.environment_names import SESSION


class Session(NamedTuple):
    """A process of this machine.

    started: ticks since boot at which it began; a later process may get its pid, but not its start.
    """

    pid: int
    started: int


def session_name() -> str:
    """The value of `IDEMPOTENCE_SESSION` that ties warm jobs to the calling process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def living_session() -> Session | None:
    """The session that the environment names, if it lives on this machine."""
    host, _, pid = os.environ.get(SESSION, "").rpartition(":")
    if sys.platform != "linux" or host != socket.gethostname() or not pid.isdecimal():
        return None
    started = start_time(int(pid))
    return Session(int(pid), started) if started is not None else None


def alive(session: Session) -> bool:
    """Whether the session's process still runs."""
    return start_time(session.pid) == session.started


def end_with(session: Session) -> None:
    """Kill this process and its children once the session has ended.

    A workflow that is started again runs the same job: both would write its files.
    """

    def wait() -> None:
        try:
            watched = os.pidfd_open(session.pid)
            if alive(session):  # the pid is not another process's by now
                select.select([watched], [], [])
        except (AttributeError, OSError):  # an old kernel or Python, or it has ended
            while alive(session):
                time.sleep(0.2)
        for pid in [*_descendants(os.getpid()), os.getpid()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass  # it has ended already

    threading.Thread(target=wait, name="session", daemon=True).start()


def _descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue  # it has just ended
        children.setdefault(parent, []).append(int(name))
    pids = [pid]
    for each in pids:
        pids += children.get(each, [])
    return pids[1:]


def start_time(pid: int) -> int | None:
    """Ticks since boot at which a living process began (proc(5), field 22); None for any other."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
