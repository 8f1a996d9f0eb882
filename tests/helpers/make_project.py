"""The project in a folder of its own, and Snakemake in it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["Snakefile", "Makefile", "config.yaml", "pyproject.toml", "studies", "rules", "scripts",
         "src", "data", "docs", "envs", "profiles", "report"]  # fmt: skip
OUTSIDE = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.sif")


def copy_project(target: Path) -> Path:
    """The project's own files in a new folder."""
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=OUTSIDE)
        else:
            shutil.copy(source, target / part)
    return target


def snakemake(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    """Snakemake in a folder, with this interpreter. variables: of the environment."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | variables
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1500,
    )


def run_study(folder: Path, *arguments: str, cores: int = 2) -> None:
    """Snakemake in a folder; a failure shows the ends of its output."""
    done = snakemake(folder, "--cores", str(cores), *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


def show_study(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Snakemake on one core with the logger that shows a study's progress, on a pipe."""
    arguments = (*arguments, "--cores", "1", "--logger", "study")
    return snakemake(folder, *arguments, PYTHONPATH=str(folder / "src"))


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Jobs that a dry run plans: rule -> count."""
    done = snakemake(folder, "-n", *arguments, "--quiet", "rules")
    assert done.returncode == 0, done.stderr
    counts = {}
    for line in (done.stdout + done.stderr).splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit() and words[0] not in ("total", "job"):
            counts[words[0]] = int(words[1])
    return counts


def commands_in(output: str) -> dict[tuple[str, str], str]:
    """Commands of a dry run with -p, by their logs: (rule, job) -> command line.

    The job is the log's name, as "sft.micro-instruct.bliss.0.1", or "" where a rule has one job.
    The rule of finetuning is "finetune" for every setting.
    """
    found = {}
    for line in output.splitlines():
        log = re.search(r" > results/\w+/logs/(\w+)(?:/(\S+))?\.log 2>&1", line)
        if log:
            found[log[1], log[2] or ""] = line
    return found


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
