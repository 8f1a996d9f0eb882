"""Loading models: safetensors from a local folder or a pinned hub revision, never remote code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.errors import UserError


@dataclass(frozen=True)
class Weights:
    """A model's weights: folder or hub name, the hub's commit, and their type in memory."""

    path: str
    revision: str | None = None
    dtype: str = "float32"


def fix_threads(threads: int = 1) -> None:
    """Results depend on the number of CPU threads, so no job takes it from the machine."""
    import torch

    torch.set_num_threads(threads)


# How transformers' configs name the number of experts.
_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


def has_experts(model: Any) -> bool:
    """Whether the model is a mixture of experts, whose experts get tokens in other orders."""
    config = model.config.get_text_config()
    return any(getattr(config, name, None) for name in _EXPERTS)


def device() -> str:
    """The accelerator where there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def load_tokenizer(weights: Weights) -> Any:
    """The model's tokenizer, padding on the left, with a pad token."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        weights.path, revision=weights.revision, trust_remote_code=False
    )
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(weights: Weights) -> Any:
    """The causal language model in evaluation mode on `device()`, or by layers on all GPUs seen.

    Raises `UserError` when the folder or hub name cannot be loaded.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM

    several = torch.cuda.device_count() > 1  # a job sees only those that it took
    try:
        model = AutoModelForCausalLM.from_pretrained(
            weights.path,
            revision=weights.revision,
            dtype=getattr(torch, weights.dtype),
            device_map="auto" if several else None,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, SafetensorError) as error:
        where = "folder" if Path(weights.path).exists() else "folder or hub name"
        raise UserError(
            f"the model at {weights.path} ({where}) cannot be loaded: {error}"
        ) from None
    return model.eval() if several else model.to(device()).eval()
