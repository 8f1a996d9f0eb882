"""Which GPUs a job sees: as many as it needs, and none that another job computes on.

Snakemake counts GPUs (`resources: gpu`) and assigns none, so that all jobs of a machine would
compute on its first. Here a job locks a file for each device that it takes, for as long as it
lives: the kernel releases the locks, whatever ends the process. A job of a batch system has been
given its devices and locks nothing.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from idempotence.environment_names import VISIBLE_GPUS
from idempotence.errors import UserError
from idempotence.launch.folder import make_private


def take(count: int, shared: bool) -> list[str]:
    """Take `count` GPUs and hide all others from this process; returns those that it sees.

    shared: jobs of this machine share its devices and have to lock them. Waits while others hold
    the devices, and writes so to stderr. With a count of 0 the job computes on the CPU. Raises
    `UserError` where the machine has too few.
    """
    if not count:
        os.environ[VISIBLE_GPUS] = ""
        return []
    devices = visible()
    if len(devices) < count:
        raise UserError(
            f"this job's model needs {count} GPU(s) and the job sees {len(devices)}; set `gpus` of "
            f"the model in the config to what there is (0: CPU), or name the devices: "
            f"{VISIBLE_GPUS}=0,1"
        )
    taken = _lock(devices, count) if shared else devices
    # nvidia-smi counts in the order of the bus; CUDA by itself puts the fastest first
    os.environ.update({VISIBLE_GPUS: ",".join(taken), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"})
    return taken


def visible() -> list[str]:
    """The devices that CUDA_VISIBLE_DEVICES names, else those that nvidia-smi lists."""
    named = os.environ.get(VISIBLE_GPUS)
    if named is not None:
        return [name.strip() for name in named.split(",") if name.strip()]
    if not shutil.which("nvidia-smi"):
        return []
    listing = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    return subprocess.run(listing, capture_output=True, text=True, check=False).stdout.split()


def _lock(devices: list[str], count: int) -> list[str]:
    """Hold the locks of `count` devices; their files stay open until this process ends.

    Raises `UserError` for a folder of the locks that is not this user's alone.
    """
    folder = Path(tempfile.gettempdir()) / f"idempotence-gpus-{os.getuid()}"
    try:
        private = make_private(str(folder))
    except OSError as error:
        raise UserError(f"{folder} cannot be made, to lock GPUs in: {error.strerror}") from None
    if not private:
        raise UserError(
            f"{folder}, in which jobs lock their GPUs, is not a private folder of this user: "
            "remove it, or set TMPDIR to a folder of your own"
        )
    files = {device: _open(folder / device.replace("/", "-")) for device in devices}
    queue = _open(folder / "queue")
    taken: list[str] = []
    # One job at a time gathers: two that need both devices cannot hold one each for ever.
    first, waited = _locked(queue), False
    while not (first and _gather(files, count, taken)):
        if not waited:
            print("waiting for a GPU", file=sys.stderr, flush=True)
        waited = True
        time.sleep(0.2)
        first = first or _locked(queue)
    for file in [queue, *(files[device] for device in devices if device not in taken)]:
        os.close(file)
    return [device for device in devices if device in taken]


def _gather(files: dict[str, int], count: int, taken: list[str]) -> bool:
    """Lock what is free, up to `count`; returns whether there are as many now."""
    for device, file in files.items():
        if len(taken) < count and device not in taken and _locked(file):
            taken.append(device)
    return len(taken) == count


def _open(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)


def _locked(file: int) -> bool:
    """Lock a file unless another process has; returns whether it is ours."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
