"""Private folders below the temporary one: a session's server's, and those of jobs."""

import hashlib
import os
import re
import shutil
import socket
import sys
import time

from idempotence.launch.preload import READ_AT_IMPORT, entries
from idempotence.launch.protocol import NotWarm
from idempotence.launch.session import Session, alive, start_time

PREFIX, JOB = "idempotence-warm", "idempotence-job"
OLD = 7 * 86400  # seconds, after which a folder is left over whose session cannot be looked up here
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
        if not make_private(folder):
            raise NotWarm(f"{folder} is not a private folder of this user")
        return folder
    raise NotWarm("no temporary folder with a short enough name can be written")


def make_private(folder: str) -> bool:
    """Make a folder with mode 0700 unless it is there.

    Returns whether it is a folder, and no link to one, that this user owns and no other can enter.
    Raises `OSError` where it cannot be made.
    """
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    status = os.lstat(folder)
    return status.st_uid == os.getuid() and status.st_mode & 0o170077 == 0o040000


def job_folder() -> str | None:
    """A folder for the temporary files of the calling process; None where none can be made."""
    me = os.getpid()
    name = f"{_prefix(JOB)}{me}-{start_time(me)}-0"
    folder = os.path.join(os.path.abspath(os.environ.get("TMPDIR") or "/tmp"), name)
    try:
        return folder if make_private(folder) else None
    except OSError:
        return None


def remove_left_folders(parent: str) -> None:
    """Remove what was killed left behind: folders of servers and jobs whose process has ended.

    Those of another host or container, where a process cannot be looked up, are left until they
    are `OLD`.
    """
    here = [re.escape(_prefix(kind)) for kind in (PREFIX, JOB)]
    known = re.compile(rf"(?:{'|'.join(here)})(\d+)-(\d+)-[0-9a-f]+")
    any_realm = re.compile(rf"(?:{PREFIX}|{JOB})-{os.getuid()}-[0-9a-f]+-\d+-\d+-[0-9a-f]+")
    for name in os.listdir(parent):
        folder, match = os.path.join(parent, name), known.fullmatch(name)
        if match:
            left = not alive(Session(int(match[1]), int(match[2])))
        else:
            left = bool(any_realm.fullmatch(name)) and _age(folder) > OLD
        if left:
            shutil.rmtree(folder, ignore_errors=True)


def _age(folder: str) -> float:
    """Seconds since something in a folder was made or removed; 0 where it is gone."""
    try:
        return time.time() - os.lstat(folder).st_mtime
    except OSError:
        return 0.0


def last_line(folder: str) -> str:
    """What the server wrote last."""
    try:
        with open(os.path.join(folder, LOG), errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "no message"


def _prefix(kind: str = PREFIX) -> str:
    """How the names of all folders of a kind begin whose pid means something here."""
    realm = f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return f"{kind}-{os.getuid()}-{hashlib.sha256(realm.encode()).hexdigest()[:6]}-"


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
