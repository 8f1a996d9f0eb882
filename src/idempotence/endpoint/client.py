"""An OpenAI-compatible endpoint: bounded concurrency, back-off, budgets, and every answer kept.

An answer is stored as soon as it is there, so that a job that was stopped goes on where it was.
The key is read from the environment and goes nowhere but into the request.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from idempotence.endpoint.answers import AnswerCache
from idempotence.endpoint.asking import MISSING, Asking
from idempotence.endpoint.options import EndpointOptions
from idempotence.endpoint.replies import UnusableError
from idempotence.endpoint.secret import check_key, without_key


class Endpoint:
    """Asks a model over HTTP.

    role: its section in the config, as "judge". cache: SQLite file, shared by the jobs of a study.
    read: an answer, as a dict for JSON with its "text", from a choice of a completion. check:
    raises `UnusableError` for an answer that is none, whether it was read or stored. leave_out:
    parameters that are not sent.
    """

    def __init__(
        self,
        role: str,
        options: EndpointOptions,
        cache: Path,
        read: Callable[[dict], dict],
        check: Callable[[dict], None],
        leave_out: Collection[str] = (),
    ):
        self.role, self.options, self.read, self.check = role, options, read, check
        self.leave_out = sorted(leave_out)
        self.key = check_key(os.environ.get(options.key_env, ""), role, options.key_env)
        self.cache = AnswerCache(cache, self._good)

    def _good(self, answer: dict) -> bool:
        if isinstance(answer.get(MISSING), str):
            return True
        try:
            self.check(answer)
        except UnusableError:
            return False
        return True

    def ask(self, requests: Sequence[dict]) -> list[dict]:
        """The answer to each request, in order; equal requests are asked once.

        A request holds what a chat completion takes. The answer to a text that the server never
        takes, or answers with nothing of use, is {"missing": reason}. Raises `UserError` when there
        are more of these than `max_unanswered` of the requests (and more than one), when the server
        refuses, stays out of reach, or the budget is spent; what was answered until then is kept.
        """
        always: dict = {"base_url": self.options.base_url}
        if self.leave_out:
            always["leave_out"] = self.leave_out
        whole = [{**always, **request} for request in requests]
        keys = [_key_of(request) for request in whole]
        asked = {key: request for key, request in zip(keys, whole, strict=True) if key}
        known = {key: self.cache.get(key) for key in asked}
        known |= {"": {MISSING: "half a character in the text"}} if "" in keys else {}
        missing = {key: request for key, request in asked.items() if known[key] is None}
        if missing:
            asking = Asking(self, len(known), sum(MISSING in (a or {}) for a in known.values()))
            known |= asyncio.run(asking.all(missing))
        return [answer for key in keys if (answer := known[key]) is not None]

    def cost(self) -> float:
        """What all answers cost, by the config's prices."""
        return self.cache.spent().cost(self.options.price_in, self.options.price_out)

    def question(self, request: dict) -> dict:
        """What is sent of a request: by this endpoint's names, without what it does not take."""
        mine = {"base_url", "leave_out", *self.leave_out}
        return {
            self.options.names.get(name, name): value
            for name, value in request.items()
            if name not in mine
        }

    def clean(self, error: Exception | str) -> str:
        """A server's message without the key, which it may repeat."""
        return without_key(str(error), self.key)


def _key_of(request: dict) -> str:
    """The cache's key of a request; "" for a text that cannot be sent."""
    try:
        return AnswerCache.key(request)
    except UnicodeEncodeError:
        return ""
