"""The command line of a script, derived from the signature and docstring of its one function."""

import argparse
import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from idempotence.errors import UserError
from idempotence.jobs.record import Record
from idempotence.launch.packed import unpack

LISTS = (list, Sequence)


def run(function: Callable[..., int | None], argv: Sequence[str] | None = None) -> None:
    """Call a function with the arguments of the command line, then end the process.

    A parameter `output_table` is given as `--output-table`. Annotations may be Path, str, int,
    float, `bool = False` (a flag), `Literal[...]`, dict or a `Record` (both as JSON), `list[X]` or
    `Sequence[X]` (several values), and `X | None` of these. A parameter with a default may be left
    out. The exit status is what the function returns (None: 0), and 2 after a `UserError`, whose
    message goes to stderr. argv: the arguments, by default those of this process.
    """
    parser = command_line(function)
    try:
        status = function(**vars(parser.parse_args(argv)))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    sys.exit(status or 0)


def command_line(function: Callable[..., int | None]) -> argparse.ArgumentParser:
    """The parser of a function's arguments.

    Raises `TypeError` for a parameter that lacks annotation or documentation.
    """
    hints, helps = get_type_hints(function), documentation(function)
    parameters = inspect.signature(function).parameters
    listed = any(get_origin(_without_none(hint)) in LISTS for hint in hints.values())
    parser = argparse.ArgumentParser(
        description=(inspect.getdoc(function) or "").partition("\n")[0],
        epilog="@FILE stands for the arguments in FILE, one per line." if listed else None,
        fromfile_prefix_chars="@" if listed else None,
        allow_abbrev=False,
    )
    for name, parameter in parameters.items():
        if name not in hints or name not in helps:
            missing = "documentation" if name in hints else "annotation"
            raise TypeError(f"{function.__name__}: the parameter {name} has no {missing}")
        option = f"--{name.replace('_', '-')}"
        settings = _argument(option, hints[name], parameter.default)
        parser.add_argument(option, dest=name, help=helps[name].replace("%", "%%"), **settings)
    return parser


def documentation(function: Callable) -> dict[str, str]:
    """Parameter -> its text in the docstring, which follows `name: ` at the start of a line.

    `name, other: ` documents both. A text ends at an empty line, or where the next one begins.
    """
    names = set(inspect.signature(function).parameters)
    texts: dict[str, str] = {}
    current: list[str] = []
    for line in (inspect.getdoc(function) or "").splitlines():
        start = re.match(r"(\w+(?:, \w+)*): (.+)", line)
        if start and names.issuperset(start[1].split(", ")):
            current = start[1].split(", ")
            texts |= dict.fromkeys(current, start[2].strip())
        elif not line.strip():
            current = []
        else:
            texts |= {name: f"{texts[name]} {line.strip()}" for name in current}
    return texts


def _argument(option: str, hint: Any, default: Any) -> dict[str, Any]:
    """What `add_argument` is given for one parameter."""
    if hint is bool:
        if default is not False:
            raise TypeError(f"{option}: a bool needs the default False")
        return {"action": "store_true"}
    required = default is inspect.Parameter.empty
    settings: dict[str, Any] = {"required": True} if required else {"default": default}
    kind = _without_none(hint)
    if get_origin(kind) in LISTS:
        settings["nargs"] = "+" if required else "*"
        kind = get_args(kind)[0]
    if get_origin(kind) is Literal:
        return settings | {"choices": get_args(kind), "type": type(get_args(kind)[0])}
    kind = get_origin(kind) or kind
    if issubclass(kind, dict | Record):
        return settings | {"metavar": "JSON", "type": partial(_from_json, option, kind)}
    return settings | {"type": unpack if kind is str else kind}


def _without_none(hint: Any) -> Any:
    """X of an annotation `X | None`; any other annotation itself."""
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    (kind,) = (kind for kind in get_args(hint) if kind is not type(None))
    return kind


def _from_json(option: str, kind: type, text: str) -> Any:
    """The dict or record of a JSON text. Raises `UserError`, which names the option."""
    text = unpack(text)
    try:
        if issubclass(kind, Record):
            return kind.from_json(text)
        content = json.loads(text)
    except (UserError, ValueError) as error:
        reason = error if isinstance(error, UserError) else f"not JSON ({error})"
        raise UserError(f"{option}: {reason}") from None
    if not isinstance(content, dict):
        raise UserError(f"{option}: a JSON object is wanted, not {text}")
    return content
