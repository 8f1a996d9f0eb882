"""How many GPUs vLLM is spread over: those that the job sees."""

import sys
from types import SimpleNamespace

import pytest

from idempotence.engine.options import VllmOptions, vllm_options
from idempotence.environment_names import ENGINE, VISIBLE_GPUS


@pytest.mark.parametrize(("named", "gpus"), [("", 0), (" ", 0), ("3", 1), ("0,2", 2)])
def test_the_launcher_names_the_gpus(named, gpus):
    assert vllm_options({VISIBLE_GPUS: named}) == VllmOptions(gpus=gpus)


def test_without_a_launcher_they_are_those_that_torch_sees(monkeypatch):
    cuda = SimpleNamespace(device_count=lambda: 3)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    given = '{"max_length": 100, "backend": "vllm", "python": null}'
    assert vllm_options({ENGINE: given}) == VllmOptions(max_length=100, gpus=3)
