"""Real processes for the tests of warm starts: a session, its clients, its server."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from idempotence.environment_names import SESSION, WARM_PRELOAD, WARM_SECONDS
from idempotence.launch.folder import PREFIX
from idempotence.launch.session import start_time

SOURCE = Path(__file__).resolve().parents[2] / "src"
WAIT_FOR_EVER = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "300"])
open(sys.argv[1], "a").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(300)
"""
PARENT = "import os\nprint(os.getppid())\n"


def running(pid: int) -> bool:
    return start_time(pid) is not None


def until(condition, seconds: float = 20.0):
    """Wait for a condition; returns its value, or fails."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not so after {seconds} s")


class Session:
    """A process in the workflow's place, and clients that belong to it."""

    def __init__(self, folder: Path, temporary: Path):
        self.folder = folder
        self.temporary = temporary
        self.process = subprocess.Popen(["sleep", "600"])
        self.clients: list[subprocess.Popen] = []
        self.patience = 60.0  # seconds that `run` waits
        self.name = f"{socket.gethostname()}:{self.process.pid}"
        self.settings = {
            SESSION: self.name,
            WARM_PRELOAD: "yaml",
            "PYTHONPATH": str(SOURCE),
            "TMPDIR": str(temporary),
        }

    def preload_all(self) -> None:
        """Let the server load what it loads in a workflow: minutes, on a machine that is shared."""
        del self.settings[WARM_PRELOAD]
        self.settings[WARM_SECONDS] = "500"
        self.patience = 600.0

    def script(self, text: str, name: str = "job.py") -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def start(
        self, script: Path, *arguments, cold: bool = False, kind: str = "run", launch=(), **options
    ) -> subprocess.Popen:
        """A client; cold: without the session. launch: options before the script."""
        words = [*map(str, launch), str(script), *map(str, arguments)]
        settings = {**os.environ, **self.settings, **options.pop("env", {})}
        if cold:
            del settings[SESSION]
        client = subprocess.Popen(
            [sys.executable, "-m", "idempotence.launch", kind, *words],
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "text": True,
                "cwd": self.folder,
                "env": settings,
                **options,
            },
        )
        self.clients.append(client)
        return client

    def run(self, script: Path, *arguments, **options) -> tuple[int, str, str]:
        """(exit status as a shell shows it, stdout, stderr)"""
        given = options.pop("given", None)
        if given is not None:
            options["stdin"] = subprocess.PIPE
        client = self.start(script, *arguments, **options)
        out, err = client.communicate(given, timeout=self.patience)
        code = client.returncode
        return (code if code >= 0 else 128 - code), out, err

    def servers(self) -> list[int]:
        """The servers; jobs share their command line, but lead no session of their own."""
        alive = [pid for pid in self.alive() if b"idempotence.launch.server" in command_of(pid)]
        return [pid for pid in alive if os.getsid(pid) == pid]

    def alive(self) -> list[int]:
        """Every process that carries this session's name, jobs and their children included."""
        mark = f"{SESSION}={self.name}".encode()
        pids = []
        for entry in os.listdir("/proc"):
            if entry.isdecimal() and running(int(entry)):
                try:
                    environment = Path(f"/proc/{entry}/environ").read_bytes()
                except OSError:
                    continue
                if mark in environment.split(b"\0"):
                    pids.append(int(entry))
        return pids

    def folders(self) -> list[str]:
        return [name for name in os.listdir(self.temporary) if name.startswith(PREFIX)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        for client in self.clients:
            if client.poll() is None:
                client.kill()
            client.communicate()
        until(lambda: not self.servers())


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def started(path: Path, lines: int = 1) -> list[list[int]]:
    """Wait until that many jobs have written their pids; returns them."""

    def read():
        rows = path.read_text().splitlines() if path.exists() else []
        return [[int(word) for word in row.split()] for row in rows] if len(rows) >= lines else None

    return until(read)


@contextmanager
def new_session(folder: Path) -> Iterator[Session]:
    temporary = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))  # a socket's name must be short
    session = Session(folder, temporary)
    try:
        yield session
    finally:
        session.close()
        shutil.rmtree(temporary)
