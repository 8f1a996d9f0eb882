"""What vLLM cannot do, before any job: chains train for hours before they are sampled."""

import os
import shutil

from idempotence.config.checks.known import Key, Known, Mistakes
from idempotence.vllm_limits import LORA_MODULES, MAX_RANK, MIN_TEMPERATURE


def interpreter(known: Known) -> Mistakes:
    """vLLM's environment is there."""
    python = known("engine", "python")
    if _with_vllm(known) and python is not None and not shutil.which(python):
        text = "`make vllm-cpu` sets up vLLM for a CPU; for a GPU see docs/engines.md"
        yield ("engine", "python"), f"{os.path.abspath(python)!r} is not a program here; {text}"


def precision(known: Known) -> Mistakes:
    """vLLM's adapters on GPUs have 16 bits."""
    if not _with_vllm(known):
        return
    for i in range(known.size("models")):
        if known("models", i, "gpus") and known("models", i, "dtype") == "float32":
            text = "vLLM's adapters on GPUs have 16 bits; it must be bfloat16"
            yield ("models", i, "dtype"), f"'float32' is not allowed: {text}"


def adapters(known: Known, name: str) -> Mistakes:
    """Rank and modules that vLLM can serve."""
    if not _with_vllm(known):
        return
    (rank_key, rank), (modules_key, modules) = (
        known.of_setting(name, "training", "lora", key) for key in ("rank", "target_modules")
    )
    if rank > MAX_RANK:
        yield rank_key, f"{rank} is not allowed: vLLM serves ranks of at most {MAX_RANK}"
    for module in [] if modules == "all-linear" else modules:
        if module not in LORA_MODULES:
            text = f"{module!r} is not allowed: vLLM serves adapters of {', '.join(LORA_MODULES)}"
            yield modules_key, text


def temperature(known: Known, name: str) -> Mistakes:
    """vLLM raises a temperature that is too low, without a warning."""
    if not _with_vllm(known):
        return
    key: Key = ("evaluation", "temperature")
    pairs = [(key, known(*key)), known.of_setting(name, "generation", "temperature")]
    for key, value in pairs:
        if value < MIN_TEMPERATURE:
            yield key, f"{value:g} is not allowed: with vLLM at least {MIN_TEMPERATURE:g}"


def _with_vllm(known: Known) -> bool:
    return bool(known("engine", "backend") == "vllm")
