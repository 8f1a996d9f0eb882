"""Run a job in this process: cold in the client, warm in the child that the server forked."""

import os
import runpy
import sys

from idempotence.environment_names import SHARED_GPUS
from idempotence.launch.folder import job_folder
from idempotence.launch.protocol import Job
from idempotence.launch.usage import Usage


def execute(job: Job) -> int:
    """Run a script as Python itself would; returns its exit status.

    The usage file is written at the end, whatever the status, and does not count the time that the
    job waits for devices. A job that a signal ends writes none.
    """
    sys.argv = job.argv
    if job.gpus is not None and not _take_gpus(job.gpus):
        return 2
    # A script finds the project as the first to import it would, warm and cold.
    for name in [name for name in sys.modules if name.partition(".")[0] == "idempotence"]:
        del sys.modules[name]
    usage = Usage()
    status = _run_in_folder(job.argv[0])
    if job.usage:
        try:
            usage.write(job.usage)
        except OSError as error:
            print(f"{job.usage} cannot be written: {error.strerror}", file=sys.stderr)
    return status


def _take_gpus(count: int) -> bool:
    """Take devices before anything asks CUDA for them; returns whether there are enough."""
    from idempotence.errors import UserError
    from idempotence.launch import gpus

    try:
        gpus.take(count, os.environ.get(SHARED_GPUS) == "1")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return False
    return True


def _run_in_folder(script: str) -> int:
    """Run a script whose temporary files lie in a folder that is swept even if it is killed."""
    folder = job_folder()
    if not folder:
        return _run(script)
    os.environ["TMPDIR"] = folder
    if "tempfile" in sys.modules:  # it looks once
        sys.modules["tempfile"].tempdir = None  # type: ignore[attr-defined]
    try:
        return _run(script)
    finally:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _run(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return (stop.code or 0) & 0xFF
        print(stop.code, file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever the script raises
        trace = error.__traceback__
        while trace and (
            trace.tb_frame.f_globals is globals() or trace.tb_frame.f_globals["__name__"] == "runpy"
        ):
            trace = trace.tb_next
        sys.excepthook(type(error), error, trace)
        return 1
    return 0
