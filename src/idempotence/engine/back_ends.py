"""The engine that a job names, on a model."""

from collections.abc import Sequence
from pathlib import Path

from idempotence.engine.base import Engine
from idempotence.engine.models import Weights
from idempotence.engine.options import VllmOptions
from idempotence.jobs.parts import EngineName


def open_engine(
    engine: EngineName,
    weights: Weights,
    adapters: Sequence[Path] = (),
    options: VllmOptions | None = None,
) -> Engine:
    """An engine on a model.

    adapters: the folders of all adapters that will be sampled from. options: vLLM's; None: its
    defaults.
    """
    if engine == "transformers":
        from idempotence.engine.hf import TransformersEngine

        return TransformersEngine(weights)
    from idempotence.engine.vllm import VllmEngine

    return VllmEngine(weights, options or VllmOptions(), adapters)
