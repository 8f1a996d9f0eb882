"""What samples texts and runs a local judge."""

from typing import Annotated, Literal

from pydantic import Field

from idempotence.config.values import Count, Numeric, Section, Text

MemoryShare = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False), Numeric]


class EngineSection(Section):
    """The engine. Only `backend` decides results (docs/engines.md); the rest is vLLM's."""

    backend: Literal["transformers", "vllm"] = Field(
        "transformers", description="vllm runs in an environment of its own."
    )
    python: Text | None = Field(
        ".venv-vllm/bin/python",
        description="Interpreter of vLLM's environment; "
        "null: the `python` of the rule's environment (with --profile profiles/conda).",
    )
    memory_share: MemoryShare = Field(
        0.85, description="Share of a GPU's memory that vLLM takes, weights included."
    )
    max_length: Count = Field(
        8192,
        description="Most tokens of a prompt and its text together; memory is reserved for them.",
    )
    adapters_at_once: Count = Field(
        8, description="Most cells of a panel that are sampled side by side; the others wait."
    )
