"""Larger models that write: one on this machine, or one behind an endpoint.

Every text is stored as soon as it is there, so that a job that was stopped goes on where it was.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from idempotence.endpoint.answers import AnswerCache
from idempotence.endpoint.client import Endpoint
from idempotence.endpoint.options import EndpointOptions, answers_file, endpoint_options
from idempotence.endpoint.replies import UnusableError, check_text, text_of
from idempotence.engine.base import Engine, Request
from idempotence.engine.formatting import ids_of_prompts
from idempotence.jobs.preparation import WriterSpec

BATCH = 64  # texts of a model here that are stored together
ROLE = "generator"  # its section in the config


class Writer(Protocol):
    """Answers prompts with texts."""

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """One text per prompt, in order; the same prompt and seed give the same text."""


def open_writer(
    spec: WriterSpec, model: str, environment: Mapping[str, str] = os.environ
) -> Writer:
    """The generator that a job names.

    model: folder or hub name, or the name at the endpoint. environment: how an endpoint is asked,
    and the file of the answers.
    """
    if spec.base_url is not None:
        return ApiWriter(spec, model, *endpoint_options(ROLE, environment))
    return LocalWriter(spec, model, answers_file(ROLE, environment))


class ApiWriter:
    """Writes by an endpoint, which may or may not honour seeds; its texts are kept.

    A prompt that the endpoint does not take gets an empty text, which no sieve keeps.
    """

    def __init__(self, spec: WriterSpec, model: str, options: EndpointOptions, cache: Path):
        self.spec, self.model = spec, model
        self.endpoint = Endpoint(ROLE, options, cache, _read, _check, spec.leave_out)

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """See `Writer`."""
        requests = [
            {
                "model": self.model, "messages": [{"role": "user", "content": prompt}],
                "temperature": self.spec.temperature, "seed": seed,
                "max_tokens": self.spec.max_new_tokens,
            }
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]  # fmt: skip
        return [answer.get("text", "") for answer in self.endpoint.ask(requests)]


def _read(choice: dict) -> dict:
    """{"text"} of a choice."""
    return {"text": text_of(choice)}


def _check(answer: dict) -> None:
    """Raise `UnusableError` for what `_read` would not give."""
    check_text(answer.get("text"))


def _good(answer: dict) -> bool:
    try:
        _check(answer)
    except UnusableError:
        return False
    return True


class LocalWriter:
    """Writes by a model here, in batches; it is loaded only if there is something to write."""

    def __init__(self, spec: WriterSpec, model: str, cache: Path):
        self.spec, self.model = spec, model
        self.cache = AnswerCache(cache, _good)
        self._engine: Engine | None = None

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """See `Writer`."""
        keyed = {AnswerCache.key(r): r for r in map(self._request, prompts, seeds)}
        missing = [key for key in keyed if self.cache.get(key) is None]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            texts = self._sample([keyed[key] for key in batch])
            for key, text in zip(batch, texts, strict=True):
                self.cache.put(key, keyed[key], {"text": text}, 0, 0)
        answers = [self.cache.get(AnswerCache.key(r)) for r in map(self._request, prompts, seeds)]
        return [answer["text"] for answer in answers if answer is not None]

    def _request(self, prompt: str, seed: int) -> dict:
        """All that decides a text."""
        spec = self.spec
        request: dict[str, Any] = {
            "model": self.model, "revision": spec.revision, "dtype": spec.dtype,
            "temperature": spec.temperature, "max_new_tokens": spec.max_new_tokens,
            "prompt": prompt, "seed": seed,
        }  # fmt: skip
        if spec.chat_template_kwargs:
            request["chat_template_kwargs"] = spec.chat_template_kwargs
        return request if spec.engine == "transformers" else {**request, "engine": spec.engine}

    def _sample(self, requests: list[dict]) -> list[str]:
        from idempotence.engine.back_ends import open_engine
        from idempotence.engine.models import Weights
        from idempotence.engine.options import vllm_options

        if self._engine is None:
            spec = self.spec
            weights = Weights(self.model, spec.revision, spec.dtype, spec.chat_template_kwargs)
            self._engine = open_engine(spec.engine, weights, options=vllm_options())
        heads = ids_of_prompts(
            self._engine.tokenizer, [request["prompt"] for request in requests], "chat"
        )
        spec = self.spec
        return self._engine.sample(
            [
                Request(ids, spec.temperature, spec.max_new_tokens, request["seed"])
                for ids, request in zip(heads, requests, strict=True)
            ],
            None,
        )
