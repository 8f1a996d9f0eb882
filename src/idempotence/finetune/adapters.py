"""LoRA adapters: a fresh one, one to train on from, and saving without anything but the weights."""

import json
import math
import shutil
from pathlib import Path


def attach(model, lora: dict, start: Path | None):
    """The model with a trainable adapter "default": fresh (B = 0), or a copy of `start`.

    lora: rank, alpha, dropout, target_modules. A fresh adapter draws A from torch's generator.
    """
    from peft import LoraConfig, PeftModel, get_peft_model

    if start is not None:
        return PeftModel.from_pretrained(model, start, is_trainable=True)
    config = LoraConfig(
        r=lora["rank"],
        lora_alpha=lora["alpha"],
        lora_dropout=lora["dropout"],
        target_modules=lora["target_modules"],
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def is_finite(model) -> bool:
    """Whether every trainable weight is a finite number."""
    import torch

    return all(bool(torch.isfinite(p).all()) for p in model.parameters() if p.requires_grad)


def save(model, folder: Path) -> None:
    """Write adapter_model.safetensors and adapter_config.json, the same bytes every time."""
    scratch = folder / "writing"
    model.save_pretrained(scratch, selected_adapters=["default"], safe_serialization=True)
    shutil.move(scratch / "adapter_model.safetensors", folder / "adapter_model.safetensors")
    config = json.loads((scratch / "adapter_config.json").read_text(encoding="utf-8"))
    if isinstance(config.get("target_modules"), list):
        config["target_modules"].sort()  # peft keeps a set, whose order differs per process
    text = json.dumps(config, indent=1, sort_keys=True) + "\n"
    (folder / "adapter_config.json").write_text(text, encoding="utf-8")
    shutil.rmtree(scratch)


def warmup_steps(rows: int, batch_size: int, epochs: float, fraction: float) -> int:
    """Optimiser steps of linear warm-up for a share of all steps, rounded up."""
    steps = math.ceil(rows / batch_size) * epochs
    return math.ceil(steps * fraction)
