"""A real Slurm of one node on this machine: munged, slurmctld and slurmd of Debian's packages.

It needs root, since Slurm reads /etc/slurm/slurm.conf alone inside jobs. The file is taken away
again; where there is one that is not ours, nothing is touched.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ETC = Path("/etc/slurm")
MARK = "# made by the tests of idempotence\n"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
CLUSTER = "idempotence-test"
CONFIG = """ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
GresTypes=gpu
MinJobAge=300
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 Gres=gpu:2
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""
DEVICES = "Name=gpu File=/dev/zero\nName=gpu File=/dev/full\n"


def hindrance() -> str | None:
    """Why there can be no Slurm here; None if there can."""
    missing = [name for name in PROGRAMS if not _program(name)]
    if missing:
        return f"Slurm is not installed (no {', '.join(missing)})"
    if os.geteuid() != 0:
        return "a Slurm of our own needs root"
    if any(path.exists() and not path.read_text().startswith(MARK) for path in _files()):
        return f"{ETC} belongs to another Slurm"
    return None


def _files() -> list[Path]:
    return [ETC / "slurm.conf", ETC / "gres.conf"]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def ask(*command: str) -> str:
    """The output of one of Slurm's commands."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def until(condition, seconds: float):
    """Wait for a condition; returns its value, or fails."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"still not so after {seconds} s")


@contextmanager
def slurm() -> Iterator[None]:
    """A running Slurm with two cores and two devices that count as GPUs."""
    with ExitStack() as stack:
        lock = stack.enter_context(open(Path(tempfile.gettempdir()) / f"{CLUSTER}.lock", "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)
        for name in ("state", "spool"):
            (folder / name).mkdir()
        ports = [_free_port() for _ in range(2)]
        host = socket.gethostname().partition(".")[0]
        texts = [CONFIG.format(cluster=CLUSTER, host=host, ports=ports, folder=folder), DEVICES]
        for path, text in zip(_files(), texts, strict=True):
            stack.callback(path.unlink, missing_ok=True)
            path.write_text(MARK + text)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        own = [f"--{name}={folder}/munge.{name.split('-')[0]}"
               for name in ("key-file", "socket", "pid-file", "log-file", "seed-file")]  # fmt: skip
        _start(stack, folder, "munged", "--foreground", "--force", *own)
        until((folder / "munge.socket").exists, 20)
        _start(stack, folder, "slurmctld", "-D")
        _start(stack, folder, "slurmd", "-D")
        try:
            until(_idle, 60)
        except AssertionError:
            logs = [path.read_text()[-2000:] for path in folder.glob("*.out")]
            raise AssertionError("\n".join(logs)) from None
        stack.callback(_cancel_all)
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start(stack: ExitStack, folder: Path, name: str, *arguments: str) -> None:
    """Start a daemon in the foreground; it ends with the stack."""
    with open(folder / f"{name}.out", "w") as log:
        process = subprocess.Popen(
            [_program(name), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )

    def end() -> None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)


def _idle() -> bool:
    done = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True, check=False)
    return done.stdout.split() == ["idle"]


def _cancel_all() -> None:
    for job in ask("squeue", "-h", "-o", "%i").split():
        ask("scancel", job)
    until(lambda: not ask("squeue", "-h", "-t", "R,CG", "-o", "%i").split(), 60)
