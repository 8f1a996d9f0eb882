"""What an engine does, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class NotFiniteError(Exception):
    """The model's weights or logits hold NaN or infinity: there is nothing to sample from."""


@dataclass(frozen=True)
class Request:
    """One text to sample: prompt (token ids), temperature (> 0), most new tokens, seed."""

    prompt: list[int]
    temperature: float
    max_new_tokens: int
    seed: int


class Engine(Protocol):
    """Samples from a model under an adapter and reads its probabilities. Always seeded."""

    tokenizer: object

    def sample(self, requests: Sequence[Request], adapter: Path | None) -> list[str]:
        """One text for each request, special tokens left out.

        A text depends on its own request alone (but for rounding), not on the others.
        Raises NotFiniteError when the adapted model is broken.
        """

    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        """For each prompt, the `top` likeliest next tokens: decoded text -> natural log prob.

        What neighbours in the list share from their beginning may be read only once.
        """

    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        """Mean natural log-likelihood a token of each completion under the model unadapted."""
