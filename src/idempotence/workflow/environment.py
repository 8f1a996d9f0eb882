"""The environment that jobs inherit from the Snakemake process."""

import os
import sys
from pathlib import Path

from idempotence.launch.client import SAMPLER, session_name

# glibc gives the memory of every larger tensor back to the system and asks for it again.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}
# TRL reports every trainer to its makers over the network, unless told not to.
KEEP_SILENT = {"DO_NOT_TRACK": "1"}


def endpoint_variables(role: str) -> tuple[str, str]:
    """Names of the variables that say how a role ("judge") is asked, and where answers are kept."""
    return f"IDEMPOTENCE_{role.upper()}_API", f"IDEMPOTENCE_{role.upper()}_CACHE"


def tell_endpoint(role: str, api: str, cache: str) -> None:
    """Tell jobs how a role's endpoint is asked (JSON), and where its answers are kept."""
    os.environ.update(zip(endpoint_variables(role), (api, cache), strict=True))


ENGINE = "IDEMPOTENCE_ENGINE"


def tell_engine(python: str | None, how: str) -> None:
    """Tell jobs where vLLM's environment is, and how much memory it may take (JSON)."""
    # not resolved: an environment's interpreter is a link, and is known by where that lies
    os.environ[SAMPLER] = str(Path(python).absolute()) if python else "python"
    os.environ[ENGINE] = how


def prepare(source: Path, remote: bool) -> None:
    """Let jobs find the package and this interpreter, and share a preloaded process.

    source: the `src` folder. The interpreter that runs Snakemake runs the scripts, whether or not
    its environment is active. remote: a job on another machine, which starts cold.
    """
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [part for part in path if part and part != str(source)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(source), *kept])
    folder = str(Path(sys.executable).parent)
    programs = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([folder, *(p for p in programs if p != folder)])
    os.environ.pop("IDEMPOTENCE_SESSION", None)
    for name, value in (KEEP_MEMORY | KEEP_SILENT).items():
        os.environ.setdefault(name, value)
    if not remote:
        os.environ["IDEMPOTENCE_SESSION"] = session_name()
