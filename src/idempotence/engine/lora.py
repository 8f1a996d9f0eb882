"""A LoRA adapter in a model's weights for a while, without building peft's layers: with small
models that would take a tenth of the time of sampling."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What plain LoRA may set; anything else in an adapter's config is left to peft.
PLAIN = {
    "r", "lora_alpha", "lora_dropout", "target_modules", "task_type", "base_model_name_or_path",
    "revision", "inference_mode", "peft_version",
}  # fmt: skip
MODEL, DOWN, UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


def can_merge(model, adapter: Path) -> bool:
    """Whether `merged` will do: for plain LoRA, and weights that would not round it away."""
    import torch
    from peft import LoraConfig

    usual = LoraConfig().to_dict()
    about = _about(adapter).items()
    plain = all(usual.get(key) == value for key, value in about if key not in PLAIN)
    return plain and model.dtype == torch.float32


@contextmanager
def merged(model, adapter: Path) -> Iterator[None]:
    """The adapter is added into the model's weights, which are exactly as before afterwards.

    The weights and logits are those of `merge_and_unload` of peft to the bit; they are left frozen,
    as there.
    """
    from safetensors.torch import load_file

    about, factors = _about(adapter), load_file(adapter / "adapter_model.safetensors")
    names = [name.removesuffix(DOWN) for name in factors if name.endswith(DOWN)]
    weights = {name: model.get_submodule(name.removeprefix(MODEL)).weight for name in names}
    before = {name: weight.data for name, weight in weights.items()}
    # torch multiplies, and rounds, otherwise where gradients are needed
    model.requires_grad_(False)
    for name, weight in weights.items():
        up, down = (factors[name + part].to(weight.device) for part in (UP, DOWN))
        weight.data = before[name] + (up @ down) * (about["lora_alpha"] / about["r"])
    try:
        yield
    finally:
        for name, weight in weights.items():
            weight.data = before[name]


def _about(adapter: Path) -> dict:
    return json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
