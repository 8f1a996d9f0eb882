"""The processes of a workflow that is running, by their part in it."""

import os
import socket
from pathlib import Path

from warm_session import running

from idempotence.environment_names import SESSION

CLIENT, SERVER = b"idempotence.launch", b"idempotence.launch.server"


def parts(main: int) -> dict[str, list[int]]:
    """Kind -> living processes of the workflow whose Snakemake has the pid `main`.

    server: preloaded processes; job: forked from one of them; client: what a rule's command line
    starts, which is itself the job where that is cold; main: Snakemake.
    """
    found: dict[str, list[int]] = {"main": [main] if running(main) else []}
    found |= {"server": [], "job": [], "client": []}
    for pid, words in of_session(main):
        if CLIENT in words:
            found["client"].append(pid)
        elif SERVER in words:  # a job keeps the command line of its server, but not its session
            found["server" if _leads_a_session(pid) else "job"].append(pid)
    return found


def log_of(pid: int) -> str:
    """The log of a client or job, as "sample/dpo.micro.bliss.0.1"; "" for any other process."""
    try:
        log = os.readlink(f"/proc/{pid}/fd/1")
    except OSError:
        return ""
    return log.partition("/logs/")[2].removesuffix(".log")


def of_session(main: int) -> list[tuple[int, list[bytes]]]:
    """(pid, words of the command line) of all living processes that a workflow has started."""
    mark, found = f"{SESSION}={socket.gethostname()}:{main}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        if mark in environment and running(int(folder.name)):
            found.append((int(folder.name), words))
    return found


def _leads_a_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False
