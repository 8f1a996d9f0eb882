"""Loading models: safetensors from a local folder or a pinned hub revision, never remote code."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idempotence.engine.formatting import end_of_turn
from idempotence.errors import UserError
from idempotence.jobs.parts import Scalar


@dataclass(frozen=True)
class Weights:
    """A model's weights: folder or hub name, the hub's commit, and their type in memory.

    chat_template_kwargs: variables of its chat template.
    """

    path: str
    revision: str | None = None
    dtype: str = "float32"
    chat_template_kwargs: Mapping[str, Scalar] = field(default_factory=dict, hash=False)


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
    """The model's tokenizer, padding on the left, with a pad token and `chat_template_kwargs`.

    Raises `UserError` when it cannot be loaded, or has no end token.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            weights.path, revision=weights.revision, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise UserError(f"the tokenizer at {weights.path} cannot be loaded: {error}") from None
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"the tokenizer of {weights.path} has no end token, so that no text would ever end; "
            "name it in tokenizer_config.json, as eos_token"
        )
    tokenizer.padding_side = "left"
    tokenizer.chat_template_kwargs = dict(weights.chat_template_kwargs)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def end_tokens(weights: Weights, tokenizer: Any) -> frozenset[int]:
    """Ids at which a sampled text ends.

    The tokenizer's end token, all end tokens of the model's generation config (or else of its
    config), and the end of a turn in its chat template.
    """
    from transformers import AutoConfig, GenerationConfig

    ends, where = None, {"revision": weights.revision}
    with suppress(OSError):  # there is no generation config
        ends = GenerationConfig.from_pretrained(weights.path, **where).eos_token_id
    if ends is None:
        config = AutoConfig.from_pretrained(weights.path, trust_remote_code=False, **where)
        ends = config.get_text_config().eos_token_id
    ids = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
    with suppress(UserError):  # there is no template, or chats will say what is wrong with it
        ids.add(end_of_turn(tokenizer))
    return frozenset(ids - {None})


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
