"""What the benchmarks share: running a command, and rows that say where they were measured."""

import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PARTS = ["Snakefile", "config.yaml", "pyproject.toml", "studies", "rules", "scripts", "src",
         "data", "envs", "profiles", "report", "benchmarks"]  # fmt: skip
PACKAGES = ["torch", "transformers", "trl", "peft", "snakemake"]


def machine() -> dict[str, str]:
    """Processor, cores and versions, for every row."""
    versions = " ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "processor": _processor(), "machine_cores": str(os.cpu_count()),
        "python": platform.python_version(), "versions": versions,
    }  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def copy_of_project(folder: Path) -> Path:
    """The workflow's files in an empty folder."""
    for part in PARTS:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    return folder


def study_of(files: Iterable[Path]):
    """The study of YAML files, the last one winning."""
    from idempotence.config.layers import effective_config, merged
    from idempotence.config.load import load_study
    from idempotence.workflow.study_texts import supply

    names, config = [str(file) for file in files], {}
    for name in names:
        config = merged(config, yaml.safe_load(Path(name).read_text(encoding="utf-8")))
    config = effective_config(config, names)
    return load_study(config, names, supply(config))


def seconds_of(
    command: list[str], folder: Path, environment: dict[str, str] | None = None
) -> float:
    """Wall seconds of a command that must succeed."""
    begun = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return time.perf_counter() - begun


def matrix_rate(rows: int, inner: int, outer: int) -> float:
    """Operations per second of one thread on (rows x inner) @ (inner x outer), the best of 20.

    Of processor time, which others at work on the machine take less from.
    """
    import torch

    torch.set_num_threads(1)
    a, b = torch.randn(rows, inner), torch.randn(inner, outer)
    once = 2 * rows * inner * outer
    times = max(1, round(4e9 / once))  # some 40 ms, which the clock can tell from nothing
    best = float("inf")
    for _ in range(20):
        begun = time.process_time()
        for _ in range(times):
            a @ b
        best = min(best, time.process_time() - begun)
    return times * once / best


def snakemake(cores: int, *arguments: str, config: str = "benchmarks/study.yaml") -> float:
    """Wall seconds of the workflow, from nothing, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", config]
        return seconds_of([*command, "--quiet", "all", "--", *arguments],
                          copy_of_project(Path(folder)))  # fmt: skip


def spread(values: list[float]) -> dict[str, str]:
    """Median, smallest and largest of repeated measurements."""
    return {
        "median": f"{statistics.median(values):.3g}", "smallest": f"{min(values):.3g}",
        "largest": f"{max(values):.3g}", "n": str(len(values)),
    }  # fmt: skip


def write(name: str, rows: list[dict[str, str]], folder: Path = RESULTS) -> Path:
    """<folder>/<name>.csv, the machine beside every row."""
    folder.mkdir(exist_ok=True)
    path, about = folder / f"{name}.csv", machine()
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *about], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **about} for row in rows)
    return path
