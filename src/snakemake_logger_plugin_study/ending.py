"""What is written when a config cannot be read, when a job fails and when a run ends."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

LAST_LINES = 15  # of the log of a failed job
WIDTH = 100  # columns
# of Snakemake's message that it cannot read a config: its own words, or a function in a traceback
CONFIG_UNREAD = ("WorkflowError:\nConfig file ", "in _get_overwrite_config")
USAGE = ".tsv"  # ending of the files beside the logs in which jobs measure themselves


def unread_config(message: str) -> str:
    """A message of Snakemake's, made short where it is that a file of --configfile cannot be read.

    Snakemake reads these files before any code of the project, and names neither file nor line.
    """
    if not any(words in message for words in CONFIG_UNREAD):
        return message
    reason = message.strip().splitlines()[-1]
    return (
        f"error: Snakemake cannot read a file of --configfile; nothing was run.\n  {reason}\n"
        "Which file, and where in it: "
        "PYTHONPATH=src .venv/bin/python scripts/check_config.py --configs FILE"
    )


def failure(rule: str, wildcards: str, logs: Sequence[str], message: str | None) -> str:
    """A failed job: its rule, wildcards, and the last lines of its log.

    message: what Snakemake says itself, such as that an output is missing.
    """
    lines = [f"Failed: {rule}" + (f" ({wildcards})" if wildcards else "")]
    lines += [f"    {line}" for line in (message or "").strip().splitlines()]
    for log in logs:
        if not log.endswith(USAGE):
            lines += [f"  {log}:", *(f"    {line}" for line in _last_lines(Path(log)))]
    return "\n".join(lines)


def _last_lines(log: Path) -> list[str]:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ["(there is no log)"]
    return lines[-LAST_LINES:] or ["(the log is empty)"]


def claims_table(file: Path) -> str:
    """The claims with their verdicts, a line each; "" where the study has judged none.

    Raises `ValueError` or `KeyError` where the file holds no claims.
    """
    if not file.exists():
        return ""
    claims = json.loads(file.read_text(encoding="utf-8"))
    width = max((len(claim["verdict"]) for claim in claims), default=0)
    lines = []
    for claim in claims:
        head = f"{claim['id']:4}{claim['verdict']:{width}}  "
        lines.append(
            textwrap.fill(
                claim["claim"], WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
            )
        )
    return "\n".join(["The paper's claims in this study:", *lines])
