"""Command-line arguments that several scripts have, each said once."""

import argparse
import json
import os
from pathlib import Path

from idempotence.environment_names import api_variable, cache_variable

COMMON: dict[str, dict] = {
    "--scores": {"type": Path, "help": "the study's scores.parquet"},
    "--trajectories": {"type": Path, "help": "the study's trajectories.parquet"},
    "--chains": {"type": Path, "help": "the table of chains (CSV)"},
    "--setting": {"help": "the setting to draw"},
    "--amplification-points": {"type": float, "help": "points, > 0"},
    "--from-cycle": {"type": int, "help": "the rule's first cycle"},
    "--gate": {"type": float, "help": "points of coherence"},
    "--confidence": {"type": float, "help": "of intervals, as 0.95"},
    "--seed": {"type": int, "help": "of the draws"},
    "--table": {"type": Path, "help": "the table that is drawn (CSV)"},
    "--output": {"type": Path, "help": "CSV to write"},
    "--output-prefix": {
        "type": Path,
        "help": "path without ending: .pdf, .svg, .png, .csv (numbers) and .txt (caption) are added",
    },
}


def judge_arguments(
    parser: argparse.ArgumentParser, role: str = "judge", required: bool = True
) -> None:
    """Who judges: a model here, or with --api one behind an endpoint; nobody, unless required.

    role: the config's section.
    """
    parser.add_argument(
        "--judge", required=required, help="folder or hub name of the judge, or its name at --api"
    )
    endpoint_arguments(parser, role)


def endpoint_arguments(parser: argparse.ArgumentParser, role: str) -> None:
    """How an endpoint is asked; the workflow gives it by the environment: it decides no result."""
    api, cache = (
        os.environ.get(name) or None for name in (api_variable(role), cache_variable(role))
    )
    parser.add_argument(
        "--api", type=json.loads, default=api, help="JSON: base_url, key_env, limits, prices"
    )
    parser.add_argument(
        "--cache", type=Path, default=cache, help="SQLite file of the answers, with --api"
    )


def argument_parser(description: str | None, *names: str) -> argparse.ArgumentParser:
    """A parser that has the named arguments of `COMMON`, all of them required."""
    parser = argparse.ArgumentParser(description=description)
    for name in names:
        parser.add_argument(name, required=True, **COMMON[name])
    return parser
