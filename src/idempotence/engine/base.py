"""What an engine does, whatever runs it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NotFiniteError(Exception):
    """The model's weights or logits hold NaN or infinity: there is nothing to sample from."""


@dataclass(frozen=True)
class Request:
    """One text to sample: prompt (token ids), temperature (0: always the likeliest token), most
    new tokens, seed."""

    prompt: list[int]
    temperature: float
    max_new_tokens: int
    seed: int


@dataclass(frozen=True)
class Batch:
    """Requests to the initial model, or to that model with an adapter (a folder) on it."""

    requests: Sequence[Request]
    adapter: Path | None


class Engine(ABC):
    """Samples from a model under adapters and reads its probabilities. Always seeded."""

    tokenizer: Any

    @abstractmethod
    def sample_batches(self, batches: Sequence[Batch]) -> list[list[str] | NotFiniteError]:
        """For each batch, one text for each request, special tokens left out.

        A text depends on its own request alone (but for rounding), not on the others.
        Where the adapted model is broken, the error stands in the place of its texts.
        """

    def sample(self, requests: Sequence[Request], adapter: Path | None) -> list[str]:
        """`sample_batches` for one batch; raises NotFiniteError when its model is broken."""
        (texts,) = self.sample_batches([Batch(requests, adapter)])
        if isinstance(texts, NotFiniteError):
            raise texts
        return texts

    def decoded(self, rows: Sequence[list[int]]) -> list[str]:
        """The text of each row of token ids, special tokens left out."""
        # of no rows, tokenizers make one empty text
        return self.tokenizer.batch_decode(rows, skip_special_tokens=True) if rows else []

    @abstractmethod
    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        """For each prompt, the `top` likeliest next tokens: decoded text -> natural log prob.

        What neighbours in the list share from their beginning may be read only once.
        """

    @abstractmethod
    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        """Mean natural log-likelihood per token of each completion under the model unadapted."""
