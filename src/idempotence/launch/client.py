"""The client: has the session's server fork a job, starts that server, and follows the job."""

import os
import signal
import socket
import sys

from idempotence.environment_names import WARM_SECONDS
from idempotence.launch.folder import LATE, LOCK, LOG, SOCKET, last_line, private_folder
from idempotence.launch.protocol import (
    FORKED,
    FORWARDED,
    Job,
    NotWarm,
    kill_group,
    receive_reply,
    send_request,
)
from idempotence.launch.session import Session

WAIT_SECONDS = 60.0


def begin(session: Session, job: Job) -> tuple[socket.socket, int]:
    """Have the server fork the job: (connection, pid). Raises `NotWarm` if it was not begun."""
    _open_standard_files()
    folder = private_folder(session)
    late = os.path.join(folder, LATE)
    if os.path.exists(late):
        raise NotWarm("the preloaded process is late")
    connection = _connect(folder, session)
    requested = False
    try:
        # Files sent to a server that is still loading would stay open in its queue: wait for it.
        reply = receive_reply(connection)
        if reply:
            requested = True
            send_request(connection, job)
            reply = receive_reply(connection)
    except ConnectionError:
        reply = None
    except TimeoutError:
        # After the shutdown the server cannot send "forked" any more, and without having sent it
        # the server lets no job begin; what it sent before still lies in the socket.
        connection.shutdown(socket.SHUT_RDWR)
        reply = receive_reply(connection) if requested else None
        if not reply:
            os.close(os.open(late, os.O_CREAT | os.O_WRONLY, 0o600))
            raise NotWarm("the preloaded process is late") from None
    if not reply:
        raise NotWarm(_how_it_ended(folder))
    kind, pid = reply
    if kind != FORKED:
        raise NotWarm(f"the preloaded process does not fork ({last_line(folder)})")
    return connection, pid


def follow(connection: socket.socket, pid: int) -> int:
    """Pass signals on to the job until it has ended; returns its exit status."""

    def forward(number: int, frame: object) -> None:
        try:
            connection.send(bytes([number]))
        except OSError:
            pass  # the server has ended, and the job with it

    for number in FORWARDED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, forward)
    connection.settimeout(None)
    try:
        reply = receive_reply(connection)
    except OSError:
        reply = None
    if reply:
        return reply[1]
    kill_group(pid, signal.SIGKILL)  # the kernel ended the job with its server; its children not
    note("the preloaded process was killed, and its job with it")
    return 128 + signal.SIGKILL


def note(text: str) -> None:
    """Write a line to stderr; whether that is possible must not decide whether a job runs."""
    try:
        os.write(2, f"warm start: {text}\n".encode(errors="backslashreplace"))
    except OSError:
        pass


def _open_standard_files() -> None:
    """Put something under the numbers 0, 1, 2 where a caller closed them: a job is sent all."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def _connect(folder: str, session: Session) -> socket.socket:
    """Connect to the server, starting it if this session has had none yet."""
    import fcntl

    path = os.path.join(folder, SOCKET)
    try:
        return _dial(path)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    with open(os.path.join(folder, LOCK), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _dial(path)
        except FileNotFoundError:
            _start(folder, session)
            return _dial(path)
        except ConnectionRefusedError:
            # One start per session: what broke once would cost every later job its time again.
            raise NotWarm(_how_it_ended(folder)) from None


def _dial(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(float(os.environ.get(WARM_SECONDS, WAIT_SECONDS)))
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _start(folder: str, session: Session) -> None:
    """Start the server on a socket that listens already: clients queue there while it loads."""
    import subprocess

    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    log_path = os.path.join(folder, LOG)
    with socket.socket(socket.AF_UNIX) as listener, open(log_path, "ab") as log:
        listener.bind(os.path.join(folder, SOCKET))
        listener.listen(1024)
        command = [sys.executable, *flags, "-m", "idempotence.launch.server"]
        subprocess.Popen(
            [*command, str(listener.fileno()), str(session.pid), str(session.started), folder],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def _how_it_ended(folder: str) -> str:
    return f"the preloaded process has ended ({last_line(folder)})"
