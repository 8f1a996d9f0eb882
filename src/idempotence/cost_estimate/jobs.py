"""How many jobs Snakemake would run, rule by rule."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from idempotence.errors import UserError


def count_jobs(config: dict[str, Any], snakefile: Path) -> Counter[str]:
    """Rule -> its jobs in a study without any file yet, by Snakemake's own graph; runs no job.

    config: the merged config. Raises `UserError` with Snakemake's message when it finds no graph.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(config, file, sort_keys=False)  # settings have an order
        file.flush()
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
        command += ["--configfile", file.name, "--d3dag", "--forceall", "--nolock"]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    start = done.stdout.find("{")
    if done.returncode != 0 or start < 0:
        raise UserError(f"Snakemake cannot lay out the study: {done.stderr.strip()[-2000:]}")
    nodes = json.loads(done.stdout[start:])["nodes"]
    return Counter(node["value"]["rule"] for node in nodes)
