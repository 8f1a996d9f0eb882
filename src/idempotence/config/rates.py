"""Speeds and mean lengths that `snakemake plan` computes with. No job reads them."""

from pydantic import Field

from idempotence.config.values import NotNegative, Positive, Section


class LayerTimes(Section):
    """Milliseconds that a step takes per layer of the model, however few its tokens.

    Python and the starting of kernels: what a device waits for when batches are small.
    """

    one_by_one: NotNegative = Field(
        description="A training step of one cell, by TRL's trainers; a step of dpo is two."
    )
    stacked: NotNegative = Field(description="A training step of any number of stacked cells.")
    stacked_cell: NotNegative = Field(
        description="On top of that for each of these cells: its own optimiser."
    )
    transformers: NotNegative = Field(
        description="A decoding step (a token for each text of a batch) with transformers."
    )
    transformers_cell: NotNegative = Field(
        description="On top of that for each cell in the batch: its adapter."
    )
    vllm: NotNegative = Field(description="A decoding step with vLLM.")


class Rates(Section):
    """Speeds of one device (a GPU, or here a core), and mean lengths, for `snakemake plan` alone.

    A speed is in tokens per second times billions of parameters, at full use, that is in batches
    large enough: at 8,000, a model of 4 billion reads or writes 2,000 tokens per second.
    docs/plan.md has the model that hours are computed by.
    """

    train: Positive = Field(
        description="Speed of finetuning at full use; for dpo the tokens of both replies count."
    )
    sample: Positive = Field(description="Speed of sampling at full use, in sampled tokens.")
    read: Positive = Field(description="Speed of a local judge, in tokens of its prompts.")
    gigabytes_per_second: Positive = Field(
        description="Speed of the device's memory: a decoding step reads all weights once, a "
        "training step twice."
    )
    layer_ms: LayerTimes = Field(description="What a step takes however few its tokens.")
    loading: NotNegative = Field(description="Seconds until a job's model is loaded.")
    reply_tokens: Positive = Field(
        description="Mean tokens of a sampled reply, at most the max_new_tokens of its section."
    )
    document_tokens: Positive = Field(
        description="Mean tokens of a sampled document, with the same limit."
    )
    characters_per_token: Positive = Field(
        description="Characters per token, where a model's tokenizer is not on this machine."
    )
    lora: Positive = Field(
        description="LoRA weights / (rank x parameters^(2/3)), if the model's shape is not known."
    )
    row_bytes: NotNegative = Field(
        description="Bytes that a reply takes on disk beside its text: keys, scores, top tokens."
    )
