"""How a client has the preloaded server fork a job, over one Unix stream socket per job.

    client                                        server
    connects                                  ->
                                              <-  R 0        has loaded its modules
    request, with the open files 0, 1, 2      ->
                                              <-  F pid      has forked the job
    a byte per signal, its number             ->             sends it to the job's process group
                                              <-  X status   the job has ended

A request is its length (`LENGTH`), then the job and what it inherits as JSON (`send_request`).
Each reply is a `REPLY`: a letter and a number. The status of a job that signal n ended is 128 + n.

- Instead of F the server may send N 0: it cannot fork safely. It then closes the connection.
- The forked job begins only after F was sent. A client that gives up shuts its connection down,
  after which F cannot be sent, and reads what came before: so a job never runs twice.
- Where the client's end closes, the server kills the job. Where the server ends, the kernel kills
  the job, and the client its process group.
"""

import json
import os
import signal
import socket
import struct
import sys
from typing import NamedTuple

REPLY = struct.Struct("!ci")
LENGTH = struct.Struct("!I")
LARGEST = 16 << 20  # bytes of a request; the kernel passes no longer arguments and environment
READY, FORKED, NOT_FORKED, ENDED = b"R", b"F", b"N", b"X"
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Job(NamedTuple):
    """A script to run.

    argv: the script and its arguments. usage: file for what the job used. gpus: devices that it
    needs; None leaves it those that are visible.
    """

    argv: list[str]
    usage: str | None = None
    gpus: int | None = None


class NotWarm(Exception):
    """Why no job was begun: the caller starts it cold."""


def send_request(connection: socket.socket, job: Job) -> None:
    """Ask for a job that inherits this process's files, folder, environment and module path.

    Raises `NotWarm` for one that the server would not read to its end.
    """
    mask = os.umask(0)
    os.umask(mask)
    request = {
        "job": job,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "path": sys.path,
        "umask": mask,
    }
    body = json.dumps(request).encode()
    if len(body) > LARGEST:
        raise NotWarm(f"a request of {len(body)} bytes is too large")
    socket.send_fds(connection, [LENGTH.pack(len(body))], [0, 1, 2])
    connection.sendall(body)


def whole_body(data: bytearray) -> bytes | None:
    """The body of the request that was received so far; None where more is to come."""
    if len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]:
        return None
    return bytes(data[LENGTH.size :])


def is_too_large(data: bytearray) -> bool:
    """Whether what was received is, or says that it will be, more than a request may be."""
    announced = LENGTH.unpack_from(data)[0] if len(data) >= LENGTH.size else 0
    return announced > LARGEST or len(data) > LENGTH.size + announced > LENGTH.size


def read_request(body: bytes) -> dict:
    """What `send_request` sent; "job" is a `Job`."""
    request = json.loads(body)
    return request | {"job": Job(*request["job"])}


def send_reply(connection: socket.socket, kind: bytes, number: int) -> bool:
    """Send a reply; returns whether the other side can still receive it."""
    try:
        return connection.send(REPLY.pack(kind, number)) == REPLY.size
    except OSError:
        return False


def receive_reply(connection: socket.socket) -> tuple[bytes, int] | None:
    """Wait for a reply: (letter, number). None where the connection has ended.

    Raises `TimeoutError` as the socket does.
    """
    try:
        reply = connection.recv(REPLY.size, socket.MSG_WAITALL)
    except ConnectionError:
        return None
    return REPLY.unpack(reply) if len(reply) == REPLY.size else None


def kill_group(pid: int, number: int) -> None:
    """Send a signal to a job and its children, if there are any left."""
    try:
        os.killpg(pid, number)
    except OSError:
        pass
