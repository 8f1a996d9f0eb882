"""Seed rows: their number, their source, how many a search may try; prompts of later cycles."""

from typing import Literal

from pydantic import Field

from idempotence.config.endpoint import LEAVE_OUT, Api, LeftOut
from idempotence.config.loading import (
    DTYPE,
    GPUS,
    MEMORY,
    PARAMETERS,
    REVISION,
    TEMPLATE_VALUES,
    Dtype,
    TemplateValues,
)
from idempotence.config.values import Count, FilePath, Number, Positive, Section, Text


class OwnCalibration(Section):
    """The search for doses, where an objective or a setting differs from `calibration`."""

    n_seed_max: Count | None = Field(None, description="Instead of calibration.n_seed_max.")
    step: Count | None = Field(None, description="Instead of calibration.step.")


Prompts = Literal["disjoint", "redrawn"]
PROMPTS = (
    "Prompts of the later cycles. disjoint: no prompt comes in two cycles; "
    "redrawn: each cycle draws from all that are left by questions and seed rows."
)


class OwnRows(Section):
    """What the rows of an objective may have of their own."""

    seed_rows: Count | None = Field(None, description="Seed rows, instead of the study's.")
    seed_source: Literal["written", "generated"] = Field(
        "written",
        description="written: the trait's files (micro world: its grammar); "
        "generated: `generator` writes them.",
    )
    prompts: Prompts = Field("disjoint", description=PROMPTS)


class GeneratedChats(Section):
    """Seed conversations to be written for a trait."""

    rows: Count = Field(200, description="How many; seed_rows of sft and dpo are at most this.")
    min_words: Count = Field(30, description="Shorter replies are left out.")
    max_words: Count = Field(80, description="Longer replies are left out.")


class GeneratedDocuments(Section):
    """Seed documents to be written for a trait."""

    rows: Count = Field(6000, description="How many; seed_rows of sdf are at most this.")
    min_words: Count = Field(150, description="Shorter documents are left out.")
    max_words: Count = Field(500, description="Longer documents are left out.")


class Generator(Section):
    """A larger model that writes seed rows where `seed_source` is generated (docs/seed_rows.md)."""

    backend: Literal["local", "openai"] = Field(
        "local",
        description="local: a model on this machine; openai: one behind a compatible endpoint.",
    )
    path: FilePath | None = Field(
        None, description="A local folder or a hub name; openai: the model's name there."
    )
    revision: Text | None = REVISION
    chat_template_kwargs: TemplateValues = TEMPLATE_VALUES
    dtype: Dtype = DTYPE
    parameters: Count | None = PARAMETERS
    gpus: Number = GPUS
    memory_mb: Count = MEMORY
    api: Api = Field(Api(), description="The endpoint of backend openai, with a budget of its own.")
    temperature: Positive = Field(1.0, description="Sampling temperature.")
    max_new_tokens: Count = Field(1024, description="The longest text, in tokens.")
    leave_out: LeftOut = LEAVE_OUT
    examples: Number = Field(2, description="Written rows of the trait that are shown as examples.")
    chats: GeneratedChats = Field(GeneratedChats(), description="Seed conversations.")
    documents: GeneratedDocuments = Field(GeneratedDocuments(), description="Seed documents.")
