"""The private folder of a session's server: its socket, lock, log, and the mark that it is late."""

import hashlib
import os
import re
import shutil
import socket
import sys

from idempotence.launch.preload import READ_AT_IMPORT, entries
from idempotence.launch.protocol import NotWarm
from idempotence.launch.session import Session, alive

PREFIX = "idempotence-warm"
SOCKET, LOCK, LOG, LATE = "socket", "lock", "log", "late"
LONGEST = 100  # bytes of the socket's path; the kernel takes 107


def private_folder(session: Session) -> str:
    """Folder of this session's server for clients like this one, created with mode 0700.

    Raises `NotWarm` where it cannot be created, or could be another user's.
    """
    name = f"{_prefix()}{session.pid}-{session.started}-{_likeness()}"
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
        if not parent or not os.access(parent, os.W_OK | os.X_OK):
            continue
        folder = os.path.join(os.path.abspath(parent), name)
        if len(os.fsencode(os.path.join(folder, SOCKET))) >= LONGEST:
            continue
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        status = os.lstat(folder)
        if status.st_uid != os.getuid() or status.st_mode & 0o170077 != 0o040000:
            raise NotWarm(f"{folder} is not a private folder of this user")
        return folder
    raise NotWarm("no temporary folder with a short enough name can be written")


def remove_left_folders(parent: str) -> None:
    """Remove what servers that were killed left behind: folders of sessions that have ended."""
    pattern = re.compile(re.escape(_prefix()) + r"(\d+)-(\d+)-[0-9a-f]+")
    for name in os.listdir(parent):
        match = pattern.fullmatch(name)
        if match and not alive(Session(int(match[1]), int(match[2]))):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)


def last_line(folder: str) -> str:
    """What the server wrote last."""
    try:
        with open(os.path.join(folder, LOG), errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "no message"


def _prefix() -> str:
    """How the names of all folders begin whose session's pid means something here."""
    realm = f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return f"{PREFIX}-{os.getuid()}-{hashlib.sha256(realm.encode()).hexdigest()[:6]}-"


def _likeness() -> str:
    """Hash of what a job takes from the process that forks it."""
    program = os.stat(sys.executable)
    facts = (
        (sys.executable, program.st_dev, program.st_ino, program.st_mtime_ns, sys.version),
        [os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "net")],
        (tuple(sys.flags), sorted(map(str, sys._xoptions.items())), sys.warnoptions),
        sys.path[0 if sys.flags.safe_path else 1 :],
        sorted(pair for pair in os.environ.items() if pair[0].startswith(READ_AT_IMPORT)),
        entries(),
    )
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
