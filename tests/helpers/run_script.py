"""Scripts in the tests' own process, with the arguments of a command line."""

import importlib.util
from pathlib import Path

import pytest

from idempotence.launch.script import run

ROOT = Path(__file__).resolve().parents[2]


def run_script(name: str, *arguments: object) -> int:
    """Run scripts/<name>.py; returns its exit status."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(SystemExit) as stop:
        run(getattr(module, name), [str(argument) for argument in arguments])
    return stop.value.code
