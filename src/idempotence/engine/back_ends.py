"""Which engine runs a model: the one that the job's settings name."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from idempotence.engine.base import Engine
from idempotence.launch.gpus import visible
from idempotence.workflow.environment import ENGINE


def open_engine(
    settings: dict, path: str, revision: str | None, dtype: str, adapters: Sequence[Path] = ()
) -> Engine:
    """An engine on the model at `path` (folder or hub name).

    settings: `engine` is "vllm", or not there: transformers. adapters: all that will be sampled
    from. How much memory vLLM takes comes by the environment, since it decides no result.
    """
    if settings.get("engine") != "vllm":
        from idempotence.engine.hf import TransformersEngine

        return TransformersEngine(path, revision, dtype)
    from idempotence.config.engines import Engine as Section
    from idempotence.engine.vllm import VllmEngine

    how = Section(**json.loads(os.environ.get(ENGINE, "{}"))).model_dump()
    return VllmEngine(path, revision, dtype, {**how, "gpus": len(visible())}, adapters)
