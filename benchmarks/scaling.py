"""Wall time and memory of the workflow against cells, seeds, cycles and cores.

Each row differs from the first of its group in one number. `work` is how many times as many
cell-cycles it has, `time` how many times as long it took: time should not outgrow work.
Memory is the largest resident set of any one process of the run, polled.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from common import copy_of_project, write

BASE = {"study": "scaling", "settings": {"sft": {}}, "traits": ["bliss"], "seeds": 1, "cycles": 1}
DOSES = [16, 24, 32, 40, 48]
SAMPLES = [20, 40, 60, 80, 100]
MIDDLE = {"n_seed": [32], "n_sampled": [60]}
# group -> [(label, config, cores, cell-cycles)]
GROUPS = {
    "cells": [
        ("1", MIDDLE, {}, 1, 2),
        ("5", {"n_seed": [32], "n_sampled": SAMPLES}, {}, 1, 10),
        ("25", {"n_seed": DOSES, "n_sampled": SAMPLES}, {}, 1, 50),
    ],
    "seeds": [(str(n), MIDDLE, {"seeds": n}, 1, 2 * n) for n in (1, 2, 4)],
    "cycles": [(str(n), MIDDLE, {"cycles": n}, 1, n + 1) for n in (1, 3, 7)],
    "cores": [(str(n), MIDDLE, {"seeds": 4, "cycles": 3}, n, 16) for n in (1, 2)],
}
POLL = 0.1  # seconds


def measured(cells: dict, over: dict, cores: int) -> tuple[float, float]:
    """(wall seconds, megabytes of the largest process) of a study from nothing to its scores."""
    with tempfile.TemporaryDirectory() as name:
        folder = copy_of_project(Path(name)).resolve()
        config = folder / "over.json"
        whole = {**BASE, **over, "sft": {"cells": cells}}
        config.write_text(json.dumps(whole), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "scores", "--cores", str(cores)]
        done, peak = threading.Event(), [0.0]
        watch = threading.Thread(target=_watch, args=(folder, done, peak))
        watch.start()
        begun = time.perf_counter()
        ran = subprocess.run(
            [*command, "--configfile", str(config), "--quiet", "all"], cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        done.set()
        watch.join()
        if ran.returncode:
            sys.exit(ran.stderr[-3000:])
        return seconds, peak[0]


def _watch(folder: Path, done: threading.Event, peak: list[float]) -> None:
    """Keep the largest resident set of the processes that work in the folder."""
    while not done.wait(POLL):
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()) == folder:
                    peak[0] = max(peak[0], process.memory_info().rss / 1e6)
            except (psutil.Error, OSError):
                continue  # it has ended, or is another user's


def main() -> None:
    rows = []
    for group, runs in GROUPS.items():
        first = None
        for label, cells, over, cores, work in runs:
            seconds, memory = measured(cells, over, cores)
            first = first or (seconds, work)
            rows.append(
                {
                    "what": group, "number": label, "cores": cores, "cell_cycles": work,
                    "seconds": f"{seconds:.1f}", "work": f"{work / first[1]:.3g}",
                    "time": f"{seconds / first[0]:.3g}", "largest_process_mb": f"{memory:.0f}",
                }
            )  # fmt: skip
            print(rows[-1], flush=True)
    print(write("scaling", rows))


if __name__ == "__main__":
    main()
