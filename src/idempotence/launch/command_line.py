"""Run a script, warm where that can be.

    python -m idempotence.launch run finetune ARGUMENTS...
    python -m idempotence.launch analyse fit_slopes ARGUMENTS...
    python -m idempotence.launch sample sample ARGUMENTS...

A script is named by its path, or by its name in the project's folder `scripts/`.

A job is *warm* where it is forked from a *server*, a process that has the slow imports behind it,
and *cold* where it runs in this very process, as `python scripts/finetune.py ARGUMENTS...` would.
Both write the same bytes. `run` imports what training needs, `analyse` what statistics and figures
need; `sample` is like `run`, but where `IDEMPOTENCE_SAMPLER` names another interpreter (vLLM's),
that one runs the script, `cold`.

Jobs are warm where `IDEMPOTENCE_SESSION` names a living process of this machine, the workflow's
(`session`). The first client of a session starts its server, which ends with the session. If
anything fails before the job has begun, it starts cold; once begun, it never runs a second time.
A cold job, too, is killed when the session ends.
Clients with another interpreter, container or environment have a server of their own (`folder`).

--usage FILE, before the script: the job writes there what it used (`usage`). --gpus N: the number
of GPUs that the job takes and sees (`gpus`); without it nothing about GPUs is touched.

`IDEMPOTENCE_WARM_PRELOAD` (entries of `preload`, between blanks) and `IDEMPOTENCE_WARM_SECONDS`
(how long a client waits for the server) override the defaults.
"""

import os
import signal
import sys

from idempotence.environment_names import SAMPLER, WARM_PRELOAD
from idempotence.launch.client import begin, follow, note
from idempotence.launch.job import execute
from idempotence.launch.preload import ANALYSIS, THREADS, TRAINING
from idempotence.launch.protocol import Job, NotWarm
from idempotence.launch.session import alive, end_with, living_session
from idempotence.launch.usage import make_way

SCRIPTS = os.path.join(os.path.abspath(__file__).rsplit(os.sep, 4)[0], "scripts")
KINDS = {"run": TRAINING, "analyse": ANALYSIS, "sample": TRAINING, "cold": ""}
FORM = (
    f"the command line is: python -m idempotence.launch {{{','.join(KINDS)}}} "
    "[--usage FILE] [--gpus N] SCRIPT [ARGUMENTS...]"
)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the script's exit status.

    A job that signal n ended has status 128 + n, a command line that cannot be run status 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        kind, job = _read(argv)
        if not os.path.isfile(job.argv[0]):
            raise ValueError(f"{job.argv[0]}: no such script (seen from {os.getcwd()})")
        if job.usage:
            make_way(job.usage)
    except OSError as error:
        print(f"error: --usage {job.usage}: {error.strerror}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if kind == "sample" and SAMPLER in os.environ:
        return _run_elsewhere(os.environ[SAMPLER], argv[1:])
    # the server is started with this variable, and its folder named after it
    os.environ.setdefault(WARM_PRELOAD, KINDS[kind])
    return _run(job, warm=kind != "cold")


def _read(argv: list[str]) -> tuple[str, Job]:
    """(kind, job) of a command line. Raises `ValueError`.

    By hand, since argparse would take longer to import than a client lives otherwise.
    """
    if not argv or argv[0] not in KINDS:
        raise ValueError(FORM)
    options: dict[str, str] = {}
    rest = argv[1:]
    while len(rest) > 1 and rest[0] in ("--usage", "--gpus"):
        options[rest[0]], rest = rest[1], rest[2:]
    if not rest or rest[0].startswith("-"):
        raise ValueError(FORM)
    gpus = options.get("--gpus")
    if gpus is not None and not gpus.isdecimal():
        raise ValueError(f"--gpus: {gpus!r} is not a number of GPUs")
    script = rest[0]
    if not script.endswith(".py"):
        script = os.path.join(SCRIPTS, f"{script}.py")
    job = Job([script, *rest[1:]], options.get("--usage"), None if gpus is None else int(gpus))
    return argv[0], job


def _run_elsewhere(python: str, argv: list[str]) -> int:
    """Become a cold run of the job under another interpreter; returns only if there is none."""
    programs = [os.path.dirname(python), os.environ.get("PATH", "")]
    environment = {**os.environ, "PATH": os.pathsep.join(filter(None, programs))}
    try:
        os.execvpe(python, [python, "-m", "idempotence.launch", "cold", *argv], environment)
    except OSError as error:
        print(f"error: {python} (engine.python) cannot be run: {error.strerror}", file=sys.stderr)
        return 2


def _run(job: Job, warm: bool) -> int:
    """Run a job warm if that may and can be, else in this process; returns its exit status."""
    os.environ.update(THREADS)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(job.argv[0]))
    session = living_session()
    if session and not warm:
        end_with(session)
    elif session:
        try:
            connection, pid = begin(session, job)
        except (NotWarm, OSError, ValueError) as error:
            if not alive(session):
                note(f"the session has ended, {job.argv[0]} not run")
                return 128 + signal.SIGKILL
            note(f"{error}; starting cold")
            end_with(session)
        else:
            return follow(connection, pid)
    return execute(job)
