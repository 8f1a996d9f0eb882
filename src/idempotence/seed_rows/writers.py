"""Larger models that write: one on this machine, or one behind an endpoint.

Every text is stored as soon as it is there, so that a job that was stopped goes on where it was.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from idempotence.endpoint.answers import AnswerCache
from idempotence.endpoint.client import Endpoint, said

BATCH = 64  # texts of a model here that are stored together


class Writer(Protocol):
    """Answers prompts with texts."""

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        """One text a prompt, in order; the same prompt and seed give the same text."""


def open_writer(settings: dict, model: str, api: dict | None, cache: Path) -> Writer:
    """The generator that the config names.

    settings: temperature, max_new_tokens, model (revision, dtype, engine of a local one). model: folder
    or hub name, or the name at the endpoint. api: `Endpoint`'s `how`, None for a local model.
    """
    if api is not None:
        return ApiWriter(settings, model, api, cache)
    return LocalWriter(settings, model, cache)


class ApiWriter:
    """Writes by an endpoint, which may or may not honour seeds; its texts are kept."""

    def __init__(self, settings: dict, model: str, how: dict, cache: Path):
        self.settings, self.model = settings, model
        self.endpoint = Endpoint("generator", how, cache, lambda told: {"text": said(told)[1]})

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        requests = [
            {
                "model": self.model, "messages": [{"role": "user", "content": prompt}],
                "temperature": self.settings["temperature"], "seed": seed,
                "max_tokens": self.settings["max_new_tokens"],
            }
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]  # fmt: skip
        return [answer["text"] for answer in self.endpoint.ask(requests)]


class LocalWriter:
    """Writes by a model here, a batch at a time; it is loaded only if there is something to write."""

    def __init__(self, settings: dict, model: str, cache: Path):
        self.settings, self.model = settings, model
        self.cache = AnswerCache(cache)
        self._engine = None

    def write(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        about = {"model": self.model, **self.settings["model"]}
        how = {key: self.settings[key] for key in ("temperature", "max_new_tokens")}
        requests = [
            {**about, **how, "prompt": prompt, "seed": seed}
            for prompt, seed in zip(prompts, seeds, strict=True)
        ]
        keyed = {AnswerCache.key(request): request for request in requests}
        missing = [key for key in keyed if self.cache.get(key) is None]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            texts = self._sample([keyed[key] for key in batch])
            for key, text in zip(batch, texts, strict=True):
                self.cache.put(key, keyed[key], {"text": text}, 0, 0)
        return [self.cache.get(AnswerCache.key(request))["text"] for request in requests]

    def _sample(self, requests: list[dict]) -> list[str]:
        from idempotence.engine.back_ends import open_engine
        from idempotence.engine.base import Request
        from idempotence.engine.formatting import ids_of_prompts

        if self._engine is None:
            model = self.settings["model"]
            self._engine = open_engine(model, self.model, model["revision"], model["dtype"])
        prompts = [request["prompt"] for request in requests]
        heads = ids_of_prompts(self._engine.tokenizer, prompts, "chat")
        asked = [
            Request(ids, r["temperature"], r["max_new_tokens"], r["seed"])
            for ids, r in zip(heads, requests, strict=True)
        ]
        return self._engine.sample(asked, None)
