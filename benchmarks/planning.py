"""Seconds to plan studies of about 100, 1,000 and 2,500 jobs (a dry run of the workflow)."""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import copy_of_project, spread, write

SIZES = {"small": {"seeds": 1, "cycles": 2}, "default": {}, "large": {"seeds": 8}}


def planned(folder: Path, over: dict) -> tuple[int, float]:
    """(jobs, seconds) of a dry run."""
    config = folder / "over.json"
    config.write_text(json.dumps(over), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules"]
    begun = time.perf_counter()
    done = subprocess.run(
        [*command, "--configfile", str(config)], cwd=folder, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    return int(re.search(r"^total +(\d+)", done.stdout + done.stderr, re.MULTILINE)[1]), seconds


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = copy_of_project(Path(name))
        for label, over in SIZES.items():
            runs = [planned(folder, {"study": "planning", **over}) for _ in range(2)]
            rows.append({"study": label, "jobs": str(runs[0][0]), **spread([s for _, s in runs])})
    print(write("planning", rows))


if __name__ == "__main__":
    main()
