"""Models behind an endpoint."""

from pydantic import Field

from idempotence.config.values import Count, NotNegative, Positive, Section, Text, Variable


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
        8, description="Attempts at a call before the job stops: after 429, 5xx or a time-out."
    )
    timeout: Positive = Field(60, description="Seconds to wait for an answer.")
    max_calls: Count | None = Field(
        None, description="Stop after so many answers in the whole study; those received are kept."
    )
    max_cost: Positive | None = Field(
        None,
        description="Stop before the study's answers cost more than this, by the prices below.",
    )
    price_in: NotNegative = Field(0, description="Money per million prompt tokens.")
    price_out: NotNegative = Field(0, description="Money per million answer tokens.")
