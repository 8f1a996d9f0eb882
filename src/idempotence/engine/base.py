"""What an engine does, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class NotFiniteError(Exception):
    """The model's weights or logits hold NaN or infinity: there is nothing to sample from."""


@dataclass(frozen=True)
class Sampling:
    """How to sample: temperature (> 0) and the most new tokens."""

    temperature: float
    max_new_tokens: int


class Engine(Protocol):
    """Samples from a model under an adapter and reads its probabilities. Always seeded."""

    tokenizer: object

    def sample(
        self, prompts: Sequence[list[int]], adapter: Path | None, sampling: Sampling, seed: int
    ) -> list[str]:
        """One text for each prompt (token ids), special tokens left out.

        Raises NotFiniteError when the adapted model is broken.
        """

    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        """For each prompt, the `top` likeliest next tokens: decoded text -> natural log prob."""

    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        """Mean natural log-likelihood a token of each completion under the model unadapted."""
