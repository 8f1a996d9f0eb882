"""Warm starts: jobs forked from one process that has the slow imports behind it.

    python -m idempotence.launch run scripts/finetune.py ARGS...
    python -m idempotence.launch analyse scripts/fit_slopes.py ARGS...
    python -m idempotence.launch sample scripts/sample.py ARGS...

runs the script as `python scripts/finetune.py ARGS...` would; `analyse` is for scripts that do
without torch; `sample` is like `run`, but where `IDEMPOTENCE_SAMPLER` names another interpreter,
that one runs the script, cold. Where `IDEMPOTENCE_SESSION` (`session_name()` of the workflow's main process) names
a living process of this machine, the job is forked from a preloaded server, which the first client of a session starts and which ends with
the session's process; otherwise, or if anything fails before the job has begun, the script runs in
this very process. Once forked a job never runs a second time: its status is the result.

A warm job writes the bytes that a cold one would. Clients with another interpreter, container or
environment get a server of their own (`idempotence.launch.server`).

`IDEMPOTENCE_WARM_PRELOAD` (blank-separated entries like those of `PRELOAD`) and
`IDEMPOTENCE_WARM_SECONDS` (how long a client waits for the server) override the defaults.
"""

import hashlib
import json
import os
import runpy
import signal
import socket
import struct
import sys

SESSION = "IDEMPOTENCE_SESSION"
SAMPLER = "IDEMPOTENCE_SAMPLER"
PRELOAD = (
    "yaml pydantic:BaseModel,ConfigDict,Field pandas pyarrow.parquet torch tokenizers datasets"
    " transformers:AutoConfig,AutoModelForCausalLM,AutoTokenizer"
    " transformers.models.llama.modeling_llama"
    # 0.2 s of regular expressions, compiled once a process when a model is loaded
    " transformers.conversion_mapping:get_checkpoint_conversion_mapping(llama)"
    " peft:LoraConfig,PeftModel,get_peft_model peft.utils.transformers_weight_conversion"
    " trl:DPOConfig,DPOTrainer,SFTConfig,SFTTrainer"
)
ANALYSIS = (
    "yaml pydantic:BaseModel,ConfigDict,Field pandas pyarrow.parquet pyarrow.compute scipy.stats scipy.optimize"
    " statsmodels.api statsmodels.stats.proportion statsmodels.stats.multitest jinja2"
    " matplotlib.figure matplotlib.backends.backend_agg matplotlib.backends.backend_pdf"
    " matplotlib.backends.backend_svg"
)
KINDS = {"run": PRELOAD, "sample": PRELOAD, "analyse": ANALYSIS}
WAIT_SECONDS = 60.0
THREADS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # pyarrow's allocator would start a thread while it is imported: no fork would be safe.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# Variables that libraries read while they are imported: jobs that differ here share no server.
# fmt: off
_READ_AT_IMPORT = (
    "ACCELERATE_", "BITSANDBYTES_", "CUDA_", "DATASETS_", "DO_NOT_TRACK", "HF_", "HIP_", "HOME",
    "HUGGINGFACE_", "LANG", "LC_", "LD_", "MPL", "NVIDIA_", "PEFT_", "PYTHON", "PYTORCH_", "ROCR_",
    "SLURM_JOB_ID", "TORCH", "TRANSFORMERS_", "TRL_", "USE_", "XDG_",
)
# fmt: on
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# b"R" 0: ready for a request; b"F" pid: forked; b"N" 0: not forked; b"X" status: ended
REPLY = struct.Struct("!ci")
HEAD = struct.Struct("!I")  # length of the request that follows
PREFIX = "idempotence-warm"


class NotWarm(Exception):
    """Why no job was begun: the caller starts cold."""


def session_name() -> str:
    """The value of `IDEMPOTENCE_SESSION` that ties a server to the calling process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the script's exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if len(argv) < 2 or argv[0] not in KINDS:
        print(
            f"usage: python -m idempotence.launch {'|'.join(KINDS)} SCRIPT [ARGUMENTS...]",
            file=sys.stderr,
        )
        return 2
    if not os.path.isfile(argv[1]):
        print(f"error: {argv[1]}: no such script (seen from {os.getcwd()})", file=sys.stderr)
        return 2
    if argv[0] == "sample" and SAMPLER in os.environ:
        return _elsewhere(os.environ[SAMPLER], argv[1:])
    # the server is started with this variable, and found by it
    os.environ.setdefault("IDEMPOTENCE_WARM_PRELOAD", KINDS[argv[0]])
    return run(argv[1], argv[2:])


def _elsewhere(python: str, argv: list[str]) -> int:
    """Become a cold `run` of the script under another interpreter; returns only if there is none."""
    environment = {name: value for name, value in os.environ.items() if name != SESSION}
    programs = [os.path.dirname(python), environment.get("PATH", "")]
    environment["PATH"] = os.pathsep.join(filter(None, programs))
    try:
        os.execvpe(python, [python, "-m", "idempotence.launch", "run", *argv], environment)
    except OSError as error:
        print(f"error: {python} (engine.python) cannot be run: {error.strerror}", file=sys.stderr)
        return 2


def run(script: str, arguments: list[str]) -> int:
    """Run a script warm if that can be, else in this process; returns its exit status.

    A job that a signal n ended has status 128 + n.
    """
    os.environ.update(THREADS)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    session = _living_session()
    if session:
        try:
            connection, pid = _begin(session, [script, *arguments])
        except (NotWarm, OSError, ValueError) as error:
            if not alive(session):
                _note(f"the session has ended, {script} not run")
                return 128 + signal.SIGKILL
            _note(f"{error}; starting cold")
        else:
            return _follow(connection, pid)
    return execute([script, *arguments])


def _note(text: str) -> None:
    """One line on stderr; that it cannot be written must not decide whether a job runs."""
    try:
        os.write(2, f"warm start: {text}\n".encode(errors="backslashreplace"))
    except OSError:
        pass


def execute(argv: list[str]) -> int:
    """Run a script in this process as Python itself would; returns its exit status."""
    sys.argv = argv
    try:
        _take_gpus(argv)
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return (stop.code or 0) & 0xFF
        print(stop.code, file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever the script raises
        trace = error.__traceback__
        while trace and (
            trace.tb_frame.f_globals is globals() or trace.tb_frame.f_globals["__name__"] == "runpy"
        ):
            trace = trace.tb_next
        sys.excepthook(type(error), error, trace)
        return 1
    return 0


def _take_gpus(argv: list[str]) -> None:
    """Before anything asks CUDA for its devices."""
    if "IDEMPOTENCE_GPUS" not in os.environ:
        return
    from idempotence.errors import UserError
    from idempotence.launch import gpus

    try:
        gpus.take(argv)
    except UserError as error:
        raise SystemExit(f"error: {error}") from None


def _living_session() -> tuple[int, int] | None:
    """(pid, start time in ticks) of the session's process, if it lives on this machine."""
    host, _, pid = os.environ.get(SESSION, "").rpartition(":")
    if sys.platform != "linux" or host != socket.gethostname() or not pid.isdecimal():
        return None
    started = _start_time(int(pid))
    return (int(pid), started) if started is not None else None


def _start_time(pid: int) -> int | None:
    """Ticks since boot at which a living process began (proc(5), field 22): tells reused pids."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def alive(session: tuple[int, int]) -> bool:
    return _start_time(session[0]) == session[1]


def _begin(session: tuple[int, int], argv: list[str]) -> tuple[socket.socket, int]:
    """Have the server fork the job: (connection, pid). Raises `NotWarm` if it was not begun."""
    _open_standard_files()
    folder = _private_folder(session)
    late = os.path.join(folder, "late")
    if os.path.exists(late):
        raise NotWarm("the preloaded process is late")
    connection = _connect(folder, session)
    asked = False
    try:
        # Files sent to a server that is still loading would stay open in its queue: wait for it.
        reply = connection.recv(REPLY.size, socket.MSG_WAITALL)
        if reply:
            asked = True
            _send_request(connection, argv)
            reply = connection.recv(REPLY.size, socket.MSG_WAITALL)
    except ConnectionError:
        reply = b""
    except TimeoutError:
        # After the shutdown the server cannot tell us "forked" any more, and without having
        # told us it lets no job begin; what it said before still lies in the socket.
        connection.shutdown(socket.SHUT_RDWR)
        reply = connection.recv(REPLY.size, socket.MSG_WAITALL) if asked else b""
        if not reply:
            os.close(os.open(late, os.O_CREAT | os.O_WRONLY, 0o600))
            raise NotWarm("the preloaded process is late") from None
    if len(reply) < REPLY.size:
        raise NotWarm(_last_words(folder))
    kind, pid = REPLY.unpack(reply)
    if kind != b"F":
        raise NotWarm(f"the preloaded process does not fork ({_last_line(folder)})")
    return connection, pid


def _open_standard_files() -> None:
    """Put something under the numbers 0, 1, 2 where a caller closed them: a job is sent all."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def _send_request(connection: socket.socket, argv: list[str]) -> None:
    mask = os.umask(0)
    os.umask(mask)
    request = {
        "argv": argv,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "path": sys.path,
        "umask": mask,
    }
    body = json.dumps(request).encode()
    socket.send_fds(connection, [HEAD.pack(len(body))], [0, 1, 2])
    connection.sendall(body)


def _follow(connection: socket.socket, pid: int) -> int:
    """Pass signals on to the job until it has ended; returns its status."""

    def forward(number, frame):
        try:
            connection.send(bytes([number]))
        except OSError:
            pass  # the server is gone, and the job with it

    for number in FORWARDED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, forward)
    connection.settimeout(None)
    try:
        reply = connection.recv(REPLY.size, socket.MSG_WAITALL)
    except OSError:
        reply = b""
    if len(reply) == REPLY.size:
        return REPLY.unpack(reply)[1]
    kill_group(pid, signal.SIGKILL)  # the kernel ended the job with its server; its children not
    _note("the preloaded process was killed, and its job with it")
    return 128 + signal.SIGKILL


def kill_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except OSError:
        pass


def _private_folder(session: tuple[int, int]) -> str:
    """Folder of this session's server for clients like this one; made, mode 0700, if need be."""
    name = f"{prefix()}{session[0]}-{session[1]}-{_likeness()}"
    for parent in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
        if not parent or not os.access(parent, os.W_OK | os.X_OK):
            continue
        folder = os.path.join(os.path.abspath(parent), name)
        if len(os.fsencode(folder)) + len("/socket") >= 100:  # the kernel takes 107 bytes
            continue
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
        status = os.lstat(folder)
        if status.st_uid != os.getuid() or status.st_mode & 0o170077 != 0o040000:
            raise NotWarm(f"{folder} is not a private folder of this user")
        return folder
    raise NotWarm("no temporary folder with a short enough name can be written")


def prefix() -> str:
    """How the names of all folders begin whose session's pid means something here."""
    realm = f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return f"{PREFIX}-{os.getuid()}-{hashlib.sha256(realm.encode()).hexdigest()[:6]}-"


def _likeness() -> str:
    """Hash of what a job takes from the process that forks it."""
    program = os.stat(sys.executable)
    facts = (
        (sys.executable, program.st_dev, program.st_ino, program.st_mtime_ns, sys.version),
        [os.readlink(f"/proc/self/ns/{name}") for name in ("mnt", "net")],
        (tuple(sys.flags), sorted(map(str, sys._xoptions.items())), sys.warnoptions),
        sys.path[0 if sys.flags.safe_path else 1 :],
        sorted(pair for pair in os.environ.items() if pair[0].startswith(_READ_AT_IMPORT)),
        preload(),
    )
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def preload() -> list[str]:
    return os.environ.get("IDEMPOTENCE_WARM_PRELOAD", PRELOAD).split()


def _connect(folder: str, session: tuple[int, int]) -> socket.socket:
    """Connect to the server, starting it if this session has had none yet."""
    import fcntl

    path = os.path.join(folder, "socket")
    try:
        return _dial(path)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _dial(path)
        except FileNotFoundError:
            _start(path, session)
            return _dial(path)
        except ConnectionRefusedError:
            # One start a session: what broke once would cost every later job its time again.
            raise NotWarm(_last_words(folder)) from None


def _dial(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(float(os.environ.get("IDEMPOTENCE_WARM_SECONDS", WAIT_SECONDS)))
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _start(path: str, session: tuple[int, int]) -> None:
    """Start the server on a socket that listens already: clients queue there while it loads."""
    import subprocess

    folder = os.path.dirname(path)
    flags = subprocess._args_from_interpreter_flags()
    with socket.socket(socket.AF_UNIX) as listener, open(f"{folder}/log", "ab") as log:
        listener.bind(path)
        listener.listen(1024)
        command = [sys.executable, *flags, "-m", "idempotence.launch.server"]
        subprocess.Popen(
            [*command, str(listener.fileno()), str(session[0]), str(session[1]), folder],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )


def _last_words(folder: str) -> str:
    return f"the preloaded process has ended ({_last_line(folder)})"


def _last_line(folder: str) -> str:
    try:
        with open(os.path.join(folder, "log"), errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        lines = []
    return lines[-1].strip() if lines else "no message"


if __name__ == "__main__":
    sys.exit(main())
