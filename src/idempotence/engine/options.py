"""How vLLM is run. None of it decides a result, so it reaches jobs by the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from idempotence.environment_names import ENGINE, VISIBLE_GPUS


@dataclass(frozen=True)
class VllmOptions:
    """The config's `engine`, and the GPUs of the job.

    memory_share: of a GPU's memory, weights included. max_length: most tokens of a prompt and its
    text together. adapters_at_once: cells of a panel that are sampled side by side. gpus: how many
    the model is spread over; 0 for the CPU build.
    """

    memory_share: float = 0.85
    max_length: int = 8192
    adapters_at_once: int = 8
    gpus: int = 0


def vllm_options(environment: Mapping[str, str] = os.environ) -> VllmOptions:
    """The options that the workflow passed on, and the number of GPUs that the job sees."""
    given = json.loads(environment.get(ENGINE) or "{}")
    names = ("memory_share", "max_length", "adapters_at_once")
    known = {name: given[name] for name in names if name in given}
    return VllmOptions(**known, gpus=_number_of_gpus(environment))


def _number_of_gpus(environment: Mapping[str, str]) -> int:
    """The devices that a launcher names; where none does, those that torch sees."""
    devices = environment.get(VISIBLE_GPUS)
    if devices is not None:
        return len([name for name in devices.split(",") if name.strip()])
    import torch

    return torch.cuda.device_count()
