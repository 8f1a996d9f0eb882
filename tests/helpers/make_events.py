"""Snakemake's log events, and a run of them through the logger `study`."""

import io
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
from snakemake_interface_logger_plugins.common import LogEvent

SETTINGS = {
    "dryrun": False, "verbose": False, "quiet": None, "debug_dag": False, "printshellcmds": False,
    "nocolor": True, "stdout": False, "show_failed_logs": True,
}  # fmt: skip
HEADER = dict.fromkeys(
    ["datetime", "workflow_id", "platform", "host", "user", "snakemake_version", "python_version",
     "cmd", "snakefile_main", "basedir", "rundir", "cwd", "configfiles", "config_md5"],
    "?",
)  # fmt: skip
CYCLE = "dpo/micro-instruct/bliss/seed0/cycle"  # of the panel that the jobs here belong to


def settings(**own: Any) -> SimpleNamespace:
    """Snakemake's output settings."""
    return SimpleNamespace(**{**SETTINGS, **own})


def record(text: str | None = None, level: int = logging.INFO, **facts: Any) -> logging.LogRecord:
    """A record as it comes out of Snakemake's queue."""
    return logging.makeLogRecord({"msg": text, "levelno": level, **facts})


def started() -> logging.LogRecord:
    return record("Workflow has started!", event=LogEvent.WORKFLOW_STARTED, **HEADER)


def cores(number: int) -> logging.LogRecord:
    return record(f"Provided cores: {number}", event=LogEvent.RESOURCES_INFO, cores=number)


def plan(**jobs: int) -> logging.LogRecord:
    stats = {**jobs, "total": sum(jobs.values())}
    return record("Job stats: all of them", event=LogEvent.RUN_INFO, stats=stats)


def job(number: int, rule: str, output: str = "out", **wildcards: str) -> logging.LogRecord:
    return record(
        event=LogEvent.JOB_INFO,
        jobid=number,
        rule_name=rule,
        output=[output],
        wildcards=wildcards,
    )


def ended(number: int) -> logging.LogRecord:
    return record(event=LogEvent.JOB_FINISHED, job_id=number)


def progress(done: int, total: int) -> logging.LogRecord:
    return record(event=LogEvent.PROGRESS, done=done, total=total)


def failed(number: int, rule: str, log: list[str], message: str = "") -> logging.LogRecord:
    return record(
        f"Error in rule {rule}",
        logging.ERROR,
        event=LogEvent.JOB_ERROR,
        jobid=number,
        rule_name=rule,
        rule_msg=message,
        log=log,
    )


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


class Listing(logging.Handler):
    """In place of Snakemake's own listing: the messages that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def study(results: str, cycles: int, **own: Any) -> dict[str, Any]:
    """What the Snakefile says of a study with one panel of two chains."""
    files = [f"{results}/{CYCLE}{cycle}/scores.parquet" for cycle in range(cycles)]
    facts = {"name": "small", "results": results, "chains": 2, "panels": 1, "scores": files}
    return {**facts, "least_coherence": 70.0, **own}


def cell(name: str, trait: float | None, coherence: float | None, **own: str) -> dict[str, Any]:
    """A row of a cycle's scores."""
    row = {"cell": name, "status": "ok", "reason": "", "trait_score": trait, "coherence": coherence}
    return {**row, **own}


def write_cycle(file: str, rows: list[dict[str, Any]]) -> None:
    """The scores of a panel's cycle, as far as the logger reads them."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(rows).astype({"trait_score": "float64", "coherence": "float64"})
    frame.to_parquet(file)
