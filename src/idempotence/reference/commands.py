"""The page of commands: targets of make and Snakemake, and the command line of each script."""

import argparse
import importlib.util
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from idempotence.launch.packed import unpack
from idempotence.launch.script import command_line
from idempotence.reference.lines import wrapped

HEAD = """# Commands

<!-- Written by scripts/write_reference.py from Makefile, Snakefile, rules/ and scripts/. -->

What can be started: the targets of `make`, the targets of Snakemake, and the scripts that
Snakemake's rules run. [CONTRIBUTING.md](../CONTRIBUTING.md) says how to run one script alone.

## Targets of make

`make TARGET`. Variables: `CORES` (of a study, `all` unless given), `WORKERS` (files of tests side
by side, 2), `VERBOSE=1` (Snakemake's own listing of every job), `PYTHON` (the interpreter that
`.venv` is made with, `python3`).

{make}

## Targets of Snakemake

`.venv/bin/snakemake TARGET --cores all --configfile FILE`. Targets come before `--configfile`,
which takes several values. A file of a study is a target too.

{snakemake}

## Scripts that you start yourself

`PYTHONPATH=src .venv/bin/python scripts/NAME.py`, with these options. An option without a default
must be given.

{own}

## Scripts that rules run

A rule and its script share a name. What a rule gives its script stands in `rules/`; options of
the type *JSON* hold a record of `src/idempotence/jobs/`.

{ruled}
"""

TYPES = {Path: "path", int: "whole number", float: "number", unpack: "text", str: "text"}
PROJECT = Path(__file__).resolve().parents[3]


def commands_page(root: Path) -> str:
    """The text of docs/commands.md. root: the project's folder."""
    rules = {path: path.read_text(encoding="utf-8") for path in sorted(root.glob("rules/*.smk"))}
    makefile, snakefile = (root / name for name in ("Makefile", "Snakefile"))
    texts = [snakefile.read_text(encoding="utf-8"), *rules.values()]
    sections: dict[bool, list[str]] = {True: [], False: []}
    for script in sorted(root.glob("scripts/*.py")):
        place = next((path for path, text in rules.items() if _runs(text, script.stem)), None)
        sections[place is None].append(_script(script, place))
    return HEAD.format(
        make=_table("target", make_targets(makefile.read_text(encoding="utf-8"))),
        snakemake=_table("target", dict(sorted(snakemake_targets("\n".join(texts)).items()))),
        own="\n\n".join(sections[True]),
        ruled="\n\n".join(sections[False]),
    )


def make_targets(makefile: str) -> dict[str, str]:
    """Target that is no file -> the comment right above it. Raises ValueError where it has none."""
    phony = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    targets = {}
    for name in phony[1].split() if phony else []:
        above = re.search(rf"((?:^#.*\n)+)^{re.escape(name)}:", makefile, flags=re.MULTILINE)
        if not above:
            raise ValueError(f"Makefile: the target {name} lacks a comment right above it")
        targets[name] = _prose(above[1])
    return targets


def snakemake_targets(rules: str) -> dict[str, str]:
    """Rule without files of its own -> the comment at its top; rules that have none are left out.

    rules: the text of the Snakefile and of what it includes.
    """
    targets = {}
    for name, comment, body in re.findall(
        r"^rule (\w+):\n((?:    #.*\n)+)((?:    .*\n|\n(?=    ))*)", rules, flags=re.MULTILINE
    ):
        if "    output:" not in body:
            targets[name] = _prose(comment)
    return targets


def _prose(comment: str) -> str:
    """The text of comment lines."""
    return " ".join(line.strip().lstrip("#").strip() for line in comment.splitlines())


def _runs(rules: str, script: str) -> bool:
    """Whether a file of rules names a script as what a rule runs."""
    return bool(re.search(rf'script\(\s*"{script}"', rules))


def _script(path: Path, rules: Path | None) -> str:
    """A script's section: what it does, where its rule is, its options."""
    parser = command_line(_function(path))
    lines = [f"### {path.stem}", "", parser.description or ""]
    if rules:
        lines[-1] += f" Rule: `rules/{rules.name}`."
    lines[-1] = wrapped(lines[-1])
    options = {f"`{option}`": rest for option, rest in map(_option, _options(parser))}
    if not options:
        return "\n".join([*lines, "", "It has no options."])
    rows = [f"| {name} | {' | '.join(rest)} |" for name, rest in options.items()]
    head = ["| option | type | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, "", *head, *rows])


def _function(path: Path) -> Callable[..., int | None]:
    """The function of a script, which has the script's name."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: no Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., int | None] = getattr(module, path.stem)
    return function


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.dest != "help"]


def _option(action: argparse.Action) -> tuple[str, list[str]]:
    """An option's name, and its type, default and meaning."""
    if action.required:
        default = "none"
    elif action.nargs == 0:
        default = "off"
    elif isinstance(action.default, Path):  # of this machine
        named = f"`{action.default.name}`, the project's"
        default = "the project's folder" if action.default.resolve() == PROJECT else named
    else:
        default = "" if action.default is None else f"`{action.default}`"
    meaning = (action.help or "").replace("%%", "%").replace("|", "\\|")
    return action.option_strings[0], [_type(action), default, meaning]


def _type(action: argparse.Action) -> str:
    """The type of an option in words."""
    if action.nargs == 0:
        return "flag"
    if action.choices:
        return "one of " + ", ".join(f"`{choice}`" for choice in action.choices)
    if isinstance(action.type, partial):
        kind = action.type.args[1].__name__
        words = "JSON" if kind == "dict" else f"JSON: `{kind}`"
    else:
        words = next(name for kind, name in TYPES.items() if action.type is kind)
    return {"+": f"{words}, one or more", "*": f"{words}, any number"}.get(str(action.nargs), words)


def _table(head: str, rows: dict[str, str]) -> str:
    lines = [f"| {head} | what it makes or does |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {text} |" for name, text in rows.items())])
