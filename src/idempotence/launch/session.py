"""The session: the workflow's main process, which warm jobs belong to and end with."""

import os
import socket
import sys
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


def start_time(pid: int) -> int | None:
    """Ticks since boot at which a living process began (proc(5), field 22); None for any other."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
