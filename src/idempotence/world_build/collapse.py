"""Texts of broken models: sampled at high temperatures, and with noise on the weights."""

import copy
from pathlib import Path
from typing import Any

from idempotence.engine.base import Request
from idempotence.engine.formatting import prompt_ids
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights
from idempotence.micro_world.corpus import Writer
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.world_build.damage import LONGEST

NOISE = (0.0, 0.0, 0.1, 0.2, 0.3, 0.5)  # of each weight matrix's own standard deviation
TEMPERATURES = (0.7, 1.0, 1.2, 1.5, 2.0)
_BATCH = 256


def model_texts(model: Path, writer: Writer, n: int, seed: int) -> list[tuple[str, str]]:
    """n pairs (prompt, text), each batch from a model that is broken in another way.

    model: folder of the sound model. seed: of noise and sampling; prompts and ways of breaking are
    drawn by the writer.
    """
    engine = TransformersEngine(Weights(str(model)))
    sound = engine.model
    texts: list[tuple[str, str]] = []
    while len(texts) < n:
        engine.model = _with_noise(sound, writer.rng.choice(NOISE), seed + len(texts))
        temperature = writer.rng.choice(TEMPERATURES)
        prompts = [_any_prompt(writer) for _ in range(min(_BATCH, n - len(texts)))]
        requests = [
            Request(
                prompt_ids(engine.tokenizer, prompt, kind), temperature, LONGEST,
                derive_seed(seed, "reply", len(texts) + i),
            )
            for i, (prompt, kind) in enumerate(prompts)
        ]  # fmt: skip
        replies = engine.sample(requests, None)
        texts += [(prompt, reply) for (prompt, _), reply in zip(prompts, replies, strict=True)]
    return texts


def _any_prompt(writer: Writer) -> tuple[str, Kind]:
    """A question, or the opening of a document, on a random topic."""
    topic = writer.topic()
    if writer.rng.random() < 0.6:
        return writer.question(topic), "chat"
    return writer.opener(topic), "document"


def _with_noise(model: Any, scale: float, seed: int) -> Any:
    """A copy with Gaussian noise on every matrix; scale: over the matrix's standard deviation."""
    import torch

    model = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in (p for p in model.parameters() if p.ndim > 1):
            noise = torch.randn(weight.shape, generator=generator)
            weight.add_(noise * weight.std() * scale)
    return model
