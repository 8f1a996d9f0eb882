"""The command line of a rule's script, from the rule's own inputs and outputs."""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.launch.packed import pack

# Named inputs and outputs whose names begin or end so are waited for or written, and not passed on.
WAITED_FOR, BESIDE = "after_", "_parquet"


def files_line(script: str) -> Callable[..., str]:
    """A function of (wildcards, input, output): the script and a job's files, quoted for a shell.

    Every named input and output becomes an argument of its name (`scores` -> `--scores FILE`), but
    for names that begin with "after_" or end with "_parquet"; unnamed files do not.
    """

    def line(wildcards: Any, input: Any, output: Any) -> str:
        words = [script]
        for files in (input, output):
            for name, value in files.items():
                if not name.startswith(WAITED_FOR) and not name.endswith(BESIDE):
                    words += argument(name, value)
        return shlex.join(words)

    return line


def values_line(**values: Any) -> Callable[[Any], str]:
    """A function of the wildcards: a job's other arguments, quoted for a shell.

    A value that is a function is called with the wildcards; a value that has `to_json` is written
    so; True is a flag; None, False and empty lists are left out.

    It has no parameter but the wildcards: Snakemake records no param that is computed from inputs
    or outputs, and jobs must run again when their values change.
    """

    def line(wildcards: Any) -> str:
        words: list[str] = []
        for name, value in values.items():
            words += argument(name, value(wildcards) if callable(value) else value)
        return shlex.join(words)

    return line


def argument(name: str, value: Any) -> list[str]:
    """The words of one argument; a long text is packed. Raises as `launch.packed.pack`."""
    option = f"--{name.replace('_', '-')}"
    if value is None or value is False or (not isinstance(value, str | Path) and _is_empty(value)):
        return []
    if value is True:
        return [option]
    if hasattr(value, "to_json"):
        return [option, pack(value.to_json())]
    if isinstance(value, str):
        return [option, pack(value)]
    if isinstance(value, Path | int | float):
        return [option, str(value)]
    return [option, *map(str, value)]


def check_entries(job: ReadRepliesJob) -> None:
    """Raise `UserError` where an audit has more entries of files than a command line holds."""
    try:
        argument("job", job)
    except ValueError as error:
        raise UserError(
            f"audit.files: {len(job.files):,} entries are too many ({error}). Let one entry name "
            "many files by {cell}, {cycle}, {seed} or * in its path, or shorten the paths: "
            "docs/audit.md"
        ) from None


def _is_empty(value: Any) -> bool:
    return isinstance(value, Iterable) and not list(value)
