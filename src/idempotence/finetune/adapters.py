"""LoRA adapters: a fresh one, one to train on from, and saving without anything but the weights."""

import copy
import json
import math
from itertools import chain
from pathlib import Path

from idempotence.jobs.parts import Lora


def attach(model, lora: Lora, start: Path | None):
    """The model with a trainable adapter "default": fresh (B = 0), or a copy of that in `start`.

    A fresh adapter draws its matrix A from torch's generator. lora is not read where `start` is
    given. The model is changed in place: `unload()` of the result gives back the same object.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    if start is not None:
        return PeftModel.from_pretrained(model, start, is_trainable=True)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.target_modules) or "all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def reference_of(model, start: Path | None):
    """The frozen model that `attach` starts from, beside it: a twin that shares the weights."""
    from peft import PeftModel

    shared = {id(tensor): tensor for tensor in chain(model.parameters(), model.buffers())}
    twin = copy.deepcopy(model, shared).eval()
    return PeftModel.from_pretrained(twin, start).get_base_model() if start is not None else twin


def is_finite(model) -> bool:
    """Whether every trainable weight is a finite number."""
    import torch

    return all(bool(torch.isfinite(p).all()) for p in model.parameters() if p.requires_grad)


def save(model, folder: Path) -> None:
    """Write adapter_model.safetensors and adapter_config.json, the same bytes every time.

    folder: created where it does not exist.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    # `save_pretrained` of peft writes the same, and a README that takes longer than the weights
    weights = get_peft_model_state_dict(model, adapter_name="default")
    weights = {name: weight.contiguous() for name, weight in weights.items()}
    save_file(weights, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {**model.peft_config["default"].to_dict(), "inference_mode": True}
    if isinstance(config["target_modules"], set):
        config["target_modules"] = sorted(config["target_modules"])  # its order differs per process
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    (folder / "adapter_config.json").write_text(text, encoding="utf-8")


def warmup_steps(rows: int, batch_size: int, epochs: float, fraction: float) -> int:
    """Optimiser steps of linear warm-up for a share of all steps, rounded up."""
    steps = math.ceil(rows / batch_size) * epochs
    return math.ceil(steps * fraction)
