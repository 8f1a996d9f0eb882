"""LoRA adapters of PEFT: a fresh one, one to train on from, and its weights."""

import copy
import json
import math
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from idempotence.finetune.runs import Adapter
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


def adapter_of(model) -> Adapter:
    """The adapter of a PEFT model, whose tensors are the model's own."""
    from peft import get_peft_model_state_dict

    return Adapter(get_peft_model_state_dict(model, adapter_name="default"), config_of(model))


def config_of(model) -> dict[str, Any]:
    """The content of a PEFT model's adapter_config.json."""
    config = {**model.peft_config["default"].to_dict(), "inference_mode": True}
    if isinstance(config["target_modules"], set):
        config["target_modules"] = sorted(config["target_modules"])  # its order differs per process
    plain: dict[str, Any] = json.loads(json.dumps(config))
    return plain


def are_finite(weights: Iterable[Any]) -> bool:
    """Whether every number of these tensors is finite."""
    import torch

    return all(bool(torch.isfinite(weight).all()) for weight in weights)


def warmup_steps(rows: int, batch_size: int, epochs: float, fraction: float) -> int:
    """Optimiser steps of linear warm-up for a share of all steps, rounded up."""
    steps = math.ceil(rows / batch_size) * epochs
    return math.ceil(steps * fraction)
