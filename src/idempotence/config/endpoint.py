"""Models behind an endpoint."""

from typing import Annotated, Literal

from pydantic import Field

from idempotence.config.values import (
    Count,
    Distinct,
    NotNegative,
    Once,
    Parameter,
    Positive,
    Section,
    Share,
    Text,
    Variable,
)

LeftOut = Annotated[list[Literal["max_tokens", "temperature", "seed"]], Distinct, Once]
LEAVE_OUT: LeftOut = Field(
    [], description="openai: parameters that are not sent, for servers that refuse them."
)


class ParameterNames(Section):
    """What a server calls the parameters of a request, where it differs."""

    max_tokens: Parameter = Field("max_tokens", description="Most tokens of an answer.")
    temperature: Parameter = Field("temperature", description="Sampling temperature.")
    seed: Parameter = Field("seed", description="Seed of a sample.")
    logprobs: Parameter = Field("logprobs", description="Whether to give probabilities.")
    top_logprobs: Parameter = Field("top_logprobs", description="Of how many tokens.")


class Api(Section):
    """An OpenAI-compatible endpoint and its budget. The key is never in a file."""

    base_url: Text | None = Field(
        None, description="Address, as https://host/v1: needed by openai, refused for local."
    )
    key_env: Variable = Field(
        "OPENAI_API_KEY", description="Environment variable that holds the key."
    )
    concurrency: Count = Field(16, description="Calls at the same time, per job.")
    attempts: Count = Field(
        8,
        description="Attempts at a call before the job stops (after 408, 409, 429, 5xx or a "
        "time-out) or the text goes without a score (after answers of no use).",
    )
    timeout: Positive = Field(60, description="Seconds to wait for an answer.")
    longest_wait: Positive = Field(
        600, description="Seconds, at most, that a server may ask to be left alone (Retry-After)."
    )
    max_unanswered: Share = Field(
        0.1,
        description="Share of a job's texts that may stay without an answer (content filter, too "
        "long, answers of no use). Beyond it, and beyond one text, the job stops; 0: at the first.",
    )
    names: ParameterNames = Field(
        ParameterNames(), description="Names of parameters, as max_completion_tokens."
    )
    max_calls: Count | None = Field(
        None, description="Stop after so many answers in the whole study; those received are kept."
    )
    max_cost: Positive | None = Field(
        None,
        description="Stop before the study's answers cost more than this, by the prices below.",
    )
    price_in: NotNegative = Field(0, description="Money per million prompt tokens.")
    price_out: NotNegative = Field(0, description="Money per million answer tokens.")
