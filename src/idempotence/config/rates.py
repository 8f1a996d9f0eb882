"""Speeds and mean lengths that `snakemake plan` computes with. No job reads them."""

from pydantic import Field

from idempotence.config.values import NotNegative, Positive, Section


class Rates(Section):
    """Speeds of one device (a GPU, or here a core), and mean lengths, for `snakemake plan` alone.

    A speed is in tokens per second times billions of parameters: at 8,000, a model of 4 billion
    reads or writes 2,000 tokens per second.
    """

    train: Positive = Field(
        description="Speed of finetuning; for dpo the tokens of both replies count."
    )
    sample: Positive = Field(description="Speed of sampling, in sampled tokens.")
    read: Positive = Field(description="Speed of a local judge, in tokens of its prompts.")
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
