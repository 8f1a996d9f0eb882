"""The preloaded process that warm jobs are forked from (see `idempotence.launch.client`).

    python -m idempotence.launch.server LISTENING_SOCKET SESSION_PID SESSION_START FOLDER

is started by the first client of a session. Third-party modules only are imported here: an edit of
the project is seen by the next job. Nothing is computed and no thread is started, so that forking
is safe.
"""

import json
import os
import signal
import socket
import sys
import time

from idempotence.launch import client as warm

_PR_SET_PDEATHSIG = 1


class Server:
    """One loop, no thread: takes requests, forks jobs, reports how they ended."""

    def __init__(self, listener: int, session: tuple[int, int], folder: str):
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
        """Serve until the session's process is gone; then kill the jobs and remove the folder."""
        import shutil

        self._sweep()
        signal.signal(signal.SIGALRM, self._check_while_loading)
        signal.siginterrupt(signal.SIGALRM, False)
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
        self._load()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        timeout = self._watch()
        try:
            while not self.stopped and warm.alive(self.session):
                for key, _ in self.selector.select(timeout):
                    key.data(key.fileobj)
        finally:
            for pid in self.jobs:
                warm.kill_group(pid, signal.SIGKILL)
            for pid in self.jobs:
                os.waitpid(pid, 0)
            shutil.rmtree(self.folder, ignore_errors=True)
        return 0

    def _check_while_loading(self, number, frame) -> None:
        """End if the session does: an import may take long, or for ever."""
        import shutil

        if not warm.alive(self.session):
            shutil.rmtree(self.folder, ignore_errors=True)
            os._exit(0)

    def _sweep(self) -> None:
        """Remove what servers that were killed left behind."""
        import re
        import shutil

        parent = os.path.dirname(self.folder)
        pattern = re.compile(re.escape(warm.prefix()) + r"(\d+)-(\d+)-[0-9a-f]+")
        for name in os.listdir(parent):
            found = pattern.fullmatch(name)
            if found and not warm.alive((int(found[1]), int(found[2]))):
                shutil.rmtree(os.path.join(parent, name), ignore_errors=True)

    def _load(self) -> None:
        """Import the preloaded modules.

        A module that is not there, or cannot be imported, is left to the job to miss. Any other
        error ends the server, and its clients start cold.
        """
        import gc
        import importlib

        if not sys.flags.safe_path:
            del sys.path[0]  # the folder the first client happened to be in
        os.chdir("/")
        before = dict(os.environ)
        for entry in warm.preload():
            module, _, names = entry.partition(":")
            try:
                loaded = importlib.import_module(module)
                for name in filter(None, names.split(",")):
                    name, _, argument = name.partition("(")
                    found = getattr(loaded, name)
                    if argument:
                        found(argument.removesuffix(")"))
            except ImportError as error:
                print(f"not preloaded: {entry}: {error}", flush=True)
        # What importing set in the environment, a cold job would have set as well.
        self.imported = {k: v for k, v in os.environ.items() if before.get(k) != v}
        _look_up_packages_once()
        _shorten_ends()
        gc.collect()
        gc.freeze()  # children neither scan nor, by counting references, copy these pages

    def _watch(self) -> float | None:
        """Register everything to wait for; returns the seconds between looks at the session."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.wake = wake
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in warm.FORWARDED:
            signal.signal(number, self._stop)
        self.selector.register(woken, self.read, self._reap)
        self.selector.register(self.listener, self.read, self._accept)
        try:
            os.unlink(os.path.join(self.folder, "late"))
        except FileNotFoundError:
            pass
        try:
            session = os.pidfd_open(self.session[0])
        except (AttributeError, OSError):  # an old kernel or Python
            return 0.2
        self.selector.register(session, self.read, lambda fd: None)
        return None

    def _stop(self, number, frame) -> None:
        self.stopped = True

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        self.received[connection] = (bytearray(), [])
        self.selector.register(connection, self.read, self._receive)
        _send(connection, b"R", 0)  # to a client that is gone: then its end is read next

    def _receive(self, connection: socket.socket) -> None:
        """Take in more of a request, and fork when it is whole."""
        data, fds = self.received[connection]
        try:
            more, new, _, _ = socket.recv_fds(connection, 1 << 16, 3, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            more, new = b"", []
        data += more
        fds += new
        whole = len(data) >= warm.HEAD.size
        whole = whole and len(data) >= warm.HEAD.size + warm.HEAD.unpack_from(data)[0]
        if more and not whole:
            return
        del self.received[connection]
        pid = self._fork(connection, bytes(data[warm.HEAD.size :]), fds) if whole else None
        for fd in fds:
            os.close(fd)
        if pid is None:
            self._drop(connection)
        else:
            self.selector.modify(connection, self.read, lambda c: self._pass_on(c, pid))

    def _pass_on(self, connection: socket.socket, pid: int) -> None:
        """Send the client's signals to its job; kill the job of a client that is gone."""
        if self.jobs.get(pid) is not connection:
            return  # reaped a moment ago, in the same round of the loop
        try:
            numbers = connection.recv(64)
        except BlockingIOError:
            return
        except OSError:
            numbers = b""
        for number in numbers or [signal.SIGKILL]:
            warm.kill_group(pid, number)
        if not numbers:
            self.jobs[pid] = None
            self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        connection.close()

    def _reap(self, woken: int) -> None:
        """Tell the clients of jobs that have ended."""
        os.read(woken, 4096)
        for pid, connection in list(self.jobs.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done:
                continue
            del self.jobs[pid]
            if connection:
                code = os.waitstatus_to_exitcode(status)
                _send(connection, b"X", code if code >= 0 else 128 - code)
                self._drop(connection)

    def _fork(self, connection: socket.socket, request: bytes, fds: list[int]) -> int | None:
        """Fork a job; it begins only after its client has been told. None if it did not."""
        hindrance = _hindrance() if len(fds) == 3 else "a request without its three files"
        if hindrance:
            print(hindrance, flush=True)
            _send(connection, b"N", 0)
            return None
        gate, opener = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        server = os.getpid()
        # A signal for the job waits until the child has put away the server's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, warm.FORWARDED)
        try:
            pid = os.fork()
        except OSError as error:
            print(error, flush=True)
            pid = None
        if pid == 0:
            os.close(opener)
            self._become(request, fds, gate, server)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, warm.FORWARDED)
        os.close(gate)
        begun = False
        if pid is None:
            _send(connection, b"N", 0)
        else:
            _lead_group(pid)
            begun = _send(connection, b"F", pid)
            self.jobs[pid] = connection if begun else None
            if begun:
                os.write(opener, b"1")
        os.close(opener)
        return pid if begun else None

    def _become(self, request: bytes, fds: list[int], gate: int, server: int) -> None:
        """Turn this fresh child into the job, and never come back."""
        status = 1
        try:
            self.libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            _lead_group(os.getpid())
            if os.getppid() != server or os.read(gate, 1) != b"1":
                os._exit(1)
            os.close(gate)
            self._let_go()
            argv = _take_over(json.loads(request), fds, self.imported)
            status = _finish(warm.execute(argv))
        except KeyboardInterrupt:
            sys.excepthook(*sys.exc_info())
            _finish(1)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException:  # noqa: BLE001 - nothing may return to the server's loop
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _let_go(self) -> None:
        """Close the server's files and take back its signal handlers, in the child."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in warm.FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, warm.FORWARDED)
        os.close(self.wake)
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            else:
                os.close(key.fd)
        for _, fds in self.received.values():
            for fd in fds:
                os.close(fd)


def _lead_group(pid: int) -> None:
    """Make a child the leader of a group; both sides do, for either may come first."""
    try:
        os.setpgid(pid, pid)
    except OSError:
        pass  # it has ended already


def _send(connection: socket.socket, kind: bytes, value: int) -> bool:
    try:
        return connection.send(warm.REPLY.pack(kind, value)) == warm.REPLY.size
    except OSError:
        return False


def _look_up_packages_once() -> None:
    """Ask once whether a package is there: accelerate reads its files 37 times for each trainer."""
    import functools

    imports = sys.modules.get("accelerate.utils.imports")
    # a private name: without it the question is asked again
    if hasattr(imports, "_is_package_available"):
        imports._is_package_available = functools.cache(imports._is_package_available)


def _shorten_ends() -> None:
    """Leave out of a job's end what only takes torch apart, 80 ms before the process ends anyway."""
    import atexit
    import weakref

    dynamo = sys.modules.get("torch._dynamo.utils")
    if hasattr(dynamo, "dump_compile_times"):
        atexit.unregister(dynamo.dump_compile_times)
    # a private name: a Python without it has long ends, and no wrong ones
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        found = finalizer.peek()
        if found and found[1].__module__ == "torch.library":
            finalizer.atexit = False


def _hindrance() -> str | None:
    """Why a fork would not be safe: a second thread or an open GPU driver; None if it is."""
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


def _take_over(request: dict, fds: list[int], imported: dict[str, str]) -> list[str]:
    """Give the child its client's files, folder, environment, module path; returns its argv."""
    import importlib
    import tempfile

    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ.update(imported)
    time.tzset()
    tempfile.tempdir = None
    sys.path[:] = request["path"]
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "idempotence"]:
        del sys.modules[name]
    return request["argv"]


def _finish(status: int) -> int:
    """What the interpreter does at its end, but for taking itself apart; returns the status."""
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return status or 120  # Python's own status for output that could not be written
    return status


def main(argv: list[str]) -> int:
    """Serve until the session ends; `argv`: the four arguments named at the top."""
    listener, pid, started, folder = argv
    return Server(int(listener), (int(pid), int(started)), folder).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
