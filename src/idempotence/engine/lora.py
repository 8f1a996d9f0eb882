"""A LoRA adapter in a model's weights for a while, without building peft's layers: with small
models that would take a tenth of the time of sampling."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.engine.adapter_files import CONFIG, WEIGHTS
from idempotence.io import read_json

# What plain LoRA may set; anything else in an adapter's config is left to peft.
PLAIN = {
    "r", "lora_alpha", "lora_dropout", "target_modules", "task_type", "base_model_name_or_path",
    "revision", "inference_mode", "peft_version",
}  # fmt: skip
# how PEFT names the weights in an adapter's file
MODEL, DOWN, UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"


def can_merge(model, adapter: Path) -> bool:
    """Whether `merged` will do: for plain LoRA, and weights that would not round it away."""
    import torch

    return is_plain(adapter) and model.dtype == torch.float32


def is_plain(adapter: Path) -> bool:
    """Whether an adapter is LoRA without any of its variants."""
    from peft import LoraConfig

    usual = LoraConfig().to_dict()
    return all(
        usual.get(key) == value for key, value in _about(adapter).items() if key not in PLAIN
    )


@dataclass(frozen=True)
class Factors:
    """A plain LoRA adapter. of: name of a layer -> (up (out, r), down (r, in))."""

    of: dict[str, tuple[Any, Any]]
    scale: float

    def merged(self, name: str, weight):
        """A layer's weight with the adapter added into it, to the bit as peft adds it."""
        up, down = (factor.to(weight.device) for factor in self.of[name])
        return weight.data + (up @ down) * self.scale


def layers_of(adapter: Path) -> list[str]:
    """Names of the layers that a plain LoRA adapter is on; only its file's header is read."""
    from safetensors import safe_open

    with safe_open(adapter / WEIGHTS, "pt") as file:
        names = [name for name in file.keys() if name.endswith(DOWN)]  # noqa: SIM118
    return [name.removesuffix(DOWN).removeprefix(MODEL) for name in names]


def factors_of(adapter: Path) -> Factors:
    """Read an adapter that is plain LoRA."""
    from safetensors.torch import load_file

    about, tensors = _about(adapter), load_file(adapter / WEIGHTS)
    names = [name.removesuffix(DOWN) for name in tensors if name.endswith(DOWN)]
    of = {name.removeprefix(MODEL): (tensors[name + UP], tensors[name + DOWN]) for name in names}
    return Factors(of, about["lora_alpha"] / about["r"])


@contextmanager
def merged(model, adapter: Path) -> Iterator[None]:
    """The adapter is added into the model's weights, which are exactly as before afterwards.

    The weights and logits are those of `merge_and_unload` of peft to the bit; they are left frozen,
    as there.
    """
    factors = factors_of(adapter)
    weights = {name: model.get_submodule(name).weight for name in factors.of}
    before = {name: weight.data for name, weight in weights.items()}
    # torch multiplies, and rounds, otherwise where gradients are needed
    model.requires_grad_(False)
    for name, weight in weights.items():
        weight.data = factors.merged(name, weight)
    try:
        yield
    finally:
        for name, weight in weights.items():
            weight.data = before[name]


def _about(adapter: Path) -> dict:
    about: dict = read_json(adapter / CONFIG)
    return about
