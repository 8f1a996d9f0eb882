"""What an engine does, whatever runs it."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Sampled:
    """A sampled text, special tokens left out.

    tokens: ids as they were drawn, the end token too where it was drawn. loglik: their mean natural
    log-probability under the model that they were drawn from, at temperature 1 whatever they were
    drawn at; NaN without tokens. cut: whether it stopped at max_new_tokens and not at an end token.
    """

    text: str
    tokens: tuple[int, ...]
    loglik: float
    cut: bool = False


def added_up(tokens: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Text -> natural log-probability; that of tokens with the same text is their sum's.

    tokens: (text, natural log-probability) of each. Texts keep the order in which they first came.
    """
    sums: dict[str, float] = {}
    for text, value in tokens:
        if text in sums:
            low, high = sorted((sums[text], value))
            value = high + math.log1p(math.exp(low - high)) if low > -math.inf else high
        sums[text] = value
    return sums


class Engine(ABC):
    """Samples from a model under adapters and reads its probabilities. Always seeded.

    ends: ids at which a sampled text ends.
    """

    tokenizer: Any
    ends: frozenset[int]

    @abstractmethod
    def draw_batches(self, batches: Sequence[Batch]) -> list[list[Sampled] | NotFiniteError]:
        """For each batch, one text for each request.

        A text depends on its own request alone (but for rounding), not on the others.
        Where the adapted model is broken, the error stands in the place of its texts.
        """

    def sample_batches(self, batches: Sequence[Batch]) -> list[list[str] | NotFiniteError]:
        """The texts of `draw_batches`."""
        return [
            drawn if isinstance(drawn, NotFiniteError) else [each.text for each in drawn]
            for drawn in self.draw_batches(batches)
        ]

    def draw(self, requests: Sequence[Request], adapter: Path | None) -> list[Sampled]:
        """`draw_batches` for one batch; raises NotFiniteError when its model is broken."""
        (drawn,) = self.draw_batches([Batch(requests, adapter)])
        if isinstance(drawn, NotFiniteError):
            raise drawn
        return drawn

    def sample(self, requests: Sequence[Request], adapter: Path | None) -> list[str]:
        """The texts of `draw`."""
        return [each.text for each in self.draw(requests, adapter)]

    def decoded(self, rows: Sequence[tuple[list[int], float]]) -> list[Sampled]:
        """Samples of rows of (token ids, mean log-probability)."""
        texts = [ids[:-1] if ids and ids[-1] in self.ends else ids for ids, _ in rows]
        # of no rows, tokenizers make one empty text
        decoded = self.tokenizer.batch_decode(texts, skip_special_tokens=True) if rows else []
        return [
            Sampled(text, tuple(ids), loglik, bool(ids) and ids[-1] not in self.ends)
            for text, (ids, loglik) in zip(decoded, rows, strict=True)
        ]

    @abstractmethod
    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        """For each prompt, the `top` likeliest next tokens: decoded text -> natural log prob.

        Tokens with the same text count as one, by the sum of their probabilities. What neighbours
        in the list share from their beginning may be read only once.
        """

    def branch_logprobs(
        self, prompts: Sequence[list[int]], branches: Sequence[tuple[int, ...]], top: int
    ) -> list[list[dict[str, float]]] | None:
        """For each prompt, the likeliest next tokens after it and after each branch behind it.

        branches: token ids; each is one token, or a branch before it with one token more. None
        where the engine cannot read them in one pass; ask `next_token_logprobs` then.
        """
        return None

    @abstractmethod
    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        """Mean natural log-likelihood per token of each completion under the model unadapted."""
