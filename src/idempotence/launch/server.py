"""The preloaded process that warm jobs are forked from (see `command_line` and `protocol`).

    python -m idempotence.launch.server LISTENING_SOCKET SESSION_PID SESSION_START FOLDER

is started by the first client of a session. Nothing is computed and no thread is started, so that
forking is safe.
"""

import os
import signal
import socket
import sys

from idempotence.launch import child, preload
from idempotence.launch.folder import LATE, remove_left_folders
from idempotence.launch.job import execute
from idempotence.launch.protocol import (
    ENDED,
    FORKED,
    FORWARDED,
    NOT_FORKED,
    READY,
    is_too_large,
    kill_group,
    read_request,
    send_reply,
    whole_body,
)
from idempotence.launch.session import Session, alive

_PR_SET_PDEATHSIG = 1
FILES = 3  # that come with a request


class Server:
    """One loop, no thread: takes requests, forks jobs, reports how they ended.

    listener: file number of the socket that clients connect to. folder: its private folder.
    """

    def __init__(self, listener: int, session: Session, folder: str):
        import ctypes
        import selectors

        self.listener = socket.socket(fileno=listener)
        self.listener.setblocking(False)
        self.session = session
        self.folder = folder
        self.libc = ctypes.CDLL(None)
        self.selector = selectors.PollSelector()  # no kernel state that children would share
        self.read = selectors.EVENT_READ
        self.jobs: dict[int, socket.socket | None] = {}
        self.received: dict[socket.socket, tuple[bytearray, list[int]]] = {}
        self.stopped = False

    def run(self) -> int:
        """Serve until the session's process has ended; then kill the jobs and remove the folder."""
        import shutil

        remove_left_folders(os.path.dirname(self.folder))
        signal.signal(signal.SIGALRM, self._check_while_loading)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
        self.set_by_imports = preload.load()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        timeout = self._watch()
        try:
            while not self.stopped and alive(self.session):
                for key, _ in self.selector.select(timeout):
                    key.data(key.fileobj)
        finally:
            for pid in self.jobs:
                kill_group(pid, signal.SIGKILL)
            for pid in self.jobs:
                os.waitpid(pid, 0)
            remove_left_folders(os.path.dirname(self.folder))  # those of the killed jobs
            shutil.rmtree(self.folder, ignore_errors=True)
        return 0

    def _check_while_loading(self, number: int, frame: object) -> None:
        """End if the session does: an import may take long, or for ever."""
        import shutil

        if not alive(self.session):
            shutil.rmtree(self.folder, ignore_errors=True)
            os._exit(0)

    def _watch(self) -> float | None:
        """Register everything to wait for; returns the seconds between looks at the session."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.wake = wake
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in FORWARDED:
            signal.signal(number, self._stop)
        self.selector.register(woken, self.read, self._reap)
        self.selector.register(self.listener, self.read, self._accept)
        try:
            os.unlink(os.path.join(self.folder, LATE))
        except FileNotFoundError:
            pass
        try:
            session = os.pidfd_open(self.session.pid)
        except (AttributeError, OSError):  # an old kernel or Python
            return 0.2
        self.selector.register(session, self.read, lambda fd: None)
        return None

    def _stop(self, number: int, frame: object) -> None:
        self.stopped = True

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        self.received[connection] = (bytearray(), [])
        self.selector.register(connection, self.read, self._receive)
        send_reply(connection, READY, 0)  # where the client has ended, that is read next

    def _receive(self, connection: socket.socket) -> None:
        """Take in more of a request, and fork when it is whole."""
        data, fds = self.received[connection]
        try:
            more, new, _, _ = socket.recv_fds(connection, 1 << 16, FILES, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            more, new = b"", []
        data += more
        fds += new
        refused = is_too_large(data) or len(fds) > FILES
        body = None if refused else whole_body(data)
        if more and body is None and not refused:
            return
        del self.received[connection]
        pid = self._fork(connection, body, fds) if body is not None else None
        for fd in fds:
            os.close(fd)
        if pid is None:
            self._drop(connection)
        else:
            self.selector.modify(connection, self.read, lambda c: self._pass_on(c, pid))

    def _pass_on(self, connection: socket.socket, pid: int) -> None:
        """Send the client's signals to its job; kill the job of a client that has ended."""
        if self.jobs.get(pid) is not connection:
            return  # reaped a moment ago, in the same round of the loop
        try:
            numbers = connection.recv(64)
        except BlockingIOError:
            return
        except OSError:
            numbers = b""
        for number in numbers or [signal.SIGKILL]:
            kill_group(pid, number)
        if not numbers:
            self.jobs[pid] = None
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        connection.close()

    def _reap(self, woken: int) -> None:
        """Send the clients of jobs that have ended their status."""
        os.read(woken, 4096)
        for pid, connection in list(self.jobs.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done:
                continue
            del self.jobs[pid]
            if connection:
                code = os.waitstatus_to_exitcode(status)
                send_reply(connection, ENDED, code if code >= 0 else 128 - code)
                self._drop(connection)

    def _fork(self, connection: socket.socket, body: bytes, fds: list[int]) -> int | None:
        """Fork a job; it begins only after FORKED was sent. None if it did not begin."""
        hindrance = child.hindrance() if len(fds) == FILES else "a request without its three files"
        if hindrance:
            print(hindrance, flush=True)
            send_reply(connection, NOT_FORKED, 0)
            return None
        gate, opener = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        server = os.getpid()
        # A signal for the job waits until the child has put away the server's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
        try:
            pid = os.fork()
        except OSError as error:
            print(error, flush=True)
            pid = None
        if pid == 0:
            os.close(opener)
            self._become(body, fds, gate, server)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        os.close(gate)
        begun = False
        if pid is None:
            send_reply(connection, NOT_FORKED, 0)
        else:
            child.lead_group(pid)
            begun = send_reply(connection, FORKED, pid)
            self.jobs[pid] = connection if begun else None
            if begun:
                os.write(opener, b"1")
        os.close(opener)
        return pid if begun else None

    def _become(self, body: bytes, fds: list[int], gate: int, server: int) -> None:
        """Turn this fresh child into the job, and never come back."""
        status = 1
        try:
            self.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            child.lead_group(os.getpid())
            if os.getppid() != server or os.read(gate, 1) != b"1":
                os._exit(1)
            os.close(gate)
            child.restore_signals()
            self._close_files()
            job = child.take_over(read_request(body), fds, self.set_by_imports)
            status = child.finish(execute(job))
        except KeyboardInterrupt:
            child.end_by_interrupt()
        except BaseException:  # noqa: BLE001 - nothing may return to the server's loop
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _close_files(self) -> None:
        """Close the server's files, in the child."""
        os.close(self.wake)
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            else:
                os.close(key.fd)
        for _, fds in self.received.values():
            for fd in fds:
                os.close(fd)


def main(argv: list[str]) -> int:
    """Serve until the session ends; `argv`: the four arguments named at the top."""
    listener, pid, started, folder = argv
    return Server(int(listener), Session(int(pid), int(started)), folder).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
