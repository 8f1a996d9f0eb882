"""The environment that jobs inherit from the Snakemake process. Nothing in it decides a result."""

import os
import sys
from pathlib import Path
from typing import Any

from idempotence.config.study import Study
from idempotence.environment_names import (
    ENGINE,
    SAMPLER,
    SESSION,
    SHARED_GPUS,
    api_variable,
    cache_variable,
)
from idempotence.launch.session import session_name

# glibc gives the memory of every larger tensor back to the system and asks for it again.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
# TRL reports every trainer to its makers over the network, unless this is set.
KEEP_SILENT = {"DO_NOT_TRACK": "1"}
ROLES = ("judge", "second_judge", "generator")


def prepare(source: Path, remote: bool) -> None:
    """Let jobs find the package and this interpreter, and share a preloaded process.

    source: the `src` folder. The interpreter that runs Snakemake runs the scripts, whether or not
    its environment is active. remote: a job on another machine, which starts cold and has devices
    of its own.
    """
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [part for part in path if part and part != str(source)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(source), *kept])
    folder = str(Path(sys.executable).parent)
    programs = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([folder, *(p for p in programs if p != folder)])
    os.environ.pop(SESSION, None)
    for name, value in (KEEP_MEMORY | KEEP_SILENT).items():
        os.environ.setdefault(name, value)
    os.environ[SHARED_GPUS] = "" if remote else "1"
    if not remote:
        os.environ[SESSION] = session_name()


def pass_endpoints(study: Study, results: str) -> dict[str, dict[str, Any]]:
    """Pass on how each endpoint is used, and where its answers are kept.

    Returns section of the config -> cache (the SQLite file), price_in, price_out (money per million
    tokens), for those that are used.
    """
    used = {}
    for role in ROLES:
        section, cache = getattr(study, role), f"{results}/{role}_answers.sqlite"
        remote = section is not None and section.backend == "openai"
        os.environ[api_variable(role)] = section.api.model_dump_json() if remote else ""
        os.environ[cache_variable(role)] = cache
        if remote:
            used[role] = {
                "cache": cache,
                **section.api.model_dump(include={"price_in", "price_out"}),
            }
    return used


def pass_engine(study: Study) -> None:
    """Pass on where vLLM's environment is, and how much memory it may take."""
    os.environ.pop(SAMPLER, None)
    os.environ.pop(ENGINE, None)
    if study.engine.backend == "vllm":
        python = study.engine.python
        # not resolved: an environment's interpreter is a link, and is known by where that lies
        os.environ[SAMPLER] = str(Path(python).absolute()) if python else "python"
        os.environ[ENGINE] = study.engine.model_dump_json()
