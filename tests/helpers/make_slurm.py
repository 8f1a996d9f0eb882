"""A real Slurm of two nodes on this machine: munged, slurmctld and two slurmd of Debian's packages.

It needs root, since Slurm reads /etc/slurm/slurm.conf alone inside jobs. The file is taken away
again; where there is one that is not ours, nothing is touched.
"""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ETC, PROC = Path("/etc/slurm"), Path("/proc")
NODES = ("node1", "node2")
MARK = "# made by the tests of idempotence\n"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
CLUSTER = "idempotence-test"
CONFIG = """ClusterName={cluster}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
GresTypes=gpu
MinJobAge=3600
ReturnToService=2
SlurmdTimeout=20
KillWait=5
SlurmdParameters=config_overrides
SchedulerParameters=sched_min_interval=0
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} {node}
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} {node}
PartitionName=cpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes=ALL MaxTime=INFINITE State=UP
"""
NODE = "CPUs=1 RealMemory=16000 Gres=gpu:2"
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


class Cluster:
    """A running Slurm. Each of its nodes has a core and two devices that count as GPUs.

    folder: where its daemons keep their files.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start a daemon in the foreground; `stop` ends it."""
        program = "slurmd" if name in NODES else name
        with open(self.folder / f"{name}.out", "a") as log:
            self._daemons[name] = subprocess.Popen(
                [_program(program), *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self.start(node, "-D", "-N", node)

    def kill_daemon(self, node: str) -> None:
        """Kill the daemon of a node alone: its jobs run on."""
        self._daemons[node].kill()
        self._daemons[node].wait()

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon and whatever Slurm has started on it, as a power cut does."""
        jobs = ask("squeue", "-h", "-t", "R", "-w", node, "-o", "%i").split()
        self.kill_daemon(node)
        for pid in [*steps_of(jobs), *processes(SLURMD_NODENAME=node, SLURM_CLUSTER_NAME=CLUSTER)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended with another

    def stop(self) -> None:
        """End all daemons, the last one first."""
        for process in reversed(self._daemons.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def logs(self) -> str:
        """The ends of what the daemons write."""
        return "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.out"))


def processes(**variables: str) -> dict[int, tuple[str, dict[str, str]]]:
    """Processes whose environment has all of these: pid -> (command line, environment)."""
    found = {}
    for pid in _pids():
        try:
            words = (PROC / pid / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        environment = dict(word.split("=", 1) for word in words if "=" in word)
        if variables.items() <= environment.items():
            found[int(pid)] = (_command(pid), environment)
    return found


def steps_of(jobs: list[str]) -> list[int]:
    """The processes by which Slurm runs the steps of jobs."""
    mine = re.compile(rf"slurmstepd: \[({'|'.join(jobs)})\.")
    return [int(pid) for pid in _pids() if jobs and mine.match(_command(pid))]


def _pids() -> list[str]:
    return [path.name for path in PROC.glob("[0-9]*")]


def _command(pid: str) -> str:
    try:
        return (PROC / pid / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except OSError:
        return ""


@contextmanager
def slurm() -> Iterator[Cluster]:
    """A running Slurm of two nodes; no job of it is left behind."""
    with ExitStack() as stack:
        lock = stack.enter_context(open(Path(tempfile.gettempdir()) / f"{CLUSTER}.lock", "w"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)
        for name in ("state", *(f"spool/{node}" for node in NODES)):
            (folder / name).mkdir(parents=True)
        host = socket.gethostname().partition(".")[0]
        ports = [_free_port() for _ in range(3)]
        text = CONFIG.format(cluster=CLUSTER, host=host, ports=ports, folder=folder, node=NODE)
        for path, content in zip(_files(), (text, DEVICES), strict=True):
            stack.callback(path.unlink, missing_ok=True)
            path.write_text(MARK + content)
        cluster = Cluster(folder)
        stack.callback(cluster.stop)
        cluster.start("munged", "--foreground", "--force", *_munge(folder))
        until((folder / "munge.socket").exists, 20)
        cluster.start("slurmctld", "-D")
        for node in NODES:
            cluster.start_node(node)
        try:
            until(lambda: set(states().values()) == {"idle"}, 60)
        except AssertionError:
            raise AssertionError(cluster.logs()) from None
        stack.callback(_cancel_all)
        yield cluster


def states() -> dict[str, str]:
    """Node -> its state, as "idle" or "down*"."""
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-o", "%N %t"], capture_output=True, text=True, check=False
    )
    return dict(line.split() for line in done.stdout.splitlines())


def _munge(folder: Path) -> list[str]:
    """Options of munged for a key and files of our own."""
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    names = ("key-file", "socket", "pid-file", "log-file", "seed-file")
    return [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in names]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _cancel_all() -> None:
    for job in ask("squeue", "-h", "-o", "%i").split():
        ask("scancel", job)
    until(lambda: not ask("squeue", "-h", "-t", "R,CG", "-o", "%i").split(), 60)
