"""What a job used, as one line in the columns and units of Snakemake's benchmark files.

Snakemake's own benchmarks measure the command that it starts, which for a warm job is a client that
waits. So the process that runs the script measures itself.
"""

import os
import resource
import sys
import time
from datetime import timedelta

COLUMNS = (
    "s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "mean_load",
    "cpu_time",
)  # fmt: skip
UNKNOWN = "NA"  # what Snakemake writes for what was not measured


def make_way(path: str) -> None:
    """Make the folder of a usage file and remove an older one. Raises `OSError`."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class Usage:
    """What this process and the children that it has waited for use, from now on."""

    def __init__(self) -> None:
        self.wall = time.monotonic()
        self.cpu = _cpu_seconds()

    def write(self, path: str) -> None:
        """Write the file whole or not at all. Raises `OSError`."""
        temporary = f"{path}.{os.getpid()}.tmp"
        try:
            with open(temporary, "w", encoding="ascii") as file:
                file.write("\t".join(COLUMNS) + "\n" + "\t".join(self.values()) + "\n")
            os.replace(temporary, path)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    def values(self) -> list[str]:
        """One text per column.

        s: wall seconds. cpu_time: seconds of CPU, of user and system. mean_load: cpu_time per s, in
        percent. max_rss, max_vms: peak memory in MB (2**20 bytes); of the largest process, where
        Snakemake adds those that run at a time; in a warm job with the preloaded pages, which the
        jobs share. io_in, io_out: MB read from and written to disks.
        max_uss, max_pss: no system keeps these peaks.
        """
        wall, cpu = time.monotonic() - self.wall, _cpu_seconds() - self.cpu
        resident, virtual = _peak_memory()
        read, written = _disk()
        seconds = f"{wall:.2f}"
        return [
            seconds,
            str(timedelta(seconds=int(float(seconds)))),  # as rounded: 0.999 s are 1.00 s
            resident,
            virtual,
            UNKNOWN,
            UNKNOWN,
            read,
            written,
            f"{100 * cpu / wall if wall else 0:.2f}",
            f"{cpu:.2f}",
        ]


def _cpu_seconds() -> float:
    return sum(os.times()[:4])


def _peak_memory() -> tuple[str, str]:
    """Largest resident and virtual size in MB, as text."""
    # the kernel's record of this program: ru_maxrss also knows the program that called exec
    own = _numbers("/proc/self/status", ("VmHWM", "VmPeak"))
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if own:
        return _megabytes(max(own[0], child) * 1024), _megabytes(own[1] * 1024)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = max(child, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return _megabytes(peak * unit), UNKNOWN


def _disk() -> tuple[str, str]:
    """MB read from and written to disks, as text; "-" where the system does not count them."""
    counts = _numbers("/proc/self/io", ("read_bytes", "write_bytes"))
    return (_megabytes(counts[0]), _megabytes(counts[1])) if counts else ("-", "-")


def _numbers(path: str, names: tuple[str, str]) -> list[int] | None:
    """Numbers of two lines `name: number` of a file; None where it has not both."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return [int(lines[name].split()[0]) for name in names]
    except (OSError, KeyError):
        return None


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.2f}"
