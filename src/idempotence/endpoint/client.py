"""An OpenAI-compatible endpoint: bounded concurrency, back-off, budgets, and every answer kept.

An answer is stored as soon as it is there, so that a job that was stopped goes on where it was.
The key is read from the environment and goes nowhere but into the request.
"""

import asyncio
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from idempotence.endpoint.answers import AnswerCache
from idempotence.environment_names import api_variable, cache_variable
from idempotence.errors import UserError

LONGEST_WAIT = 60  # seconds between two attempts, unless the server asks for more


@dataclass(frozen=True)
class EndpointOptions:
    """How an endpoint is asked; none of it decides a result.

    key_env: environment variable of the key. concurrency: calls under way at once. attempts: at one
    call. timeout: seconds. max_calls, max_cost: budgets (None: no limit). price_in, price_out:
    money per million tokens.
    """

    base_url: str
    key_env: str
    concurrency: int
    attempts: int
    timeout: float
    max_calls: int | None
    max_cost: float | None
    price_in: float
    price_out: float


def endpoint_options(
    role: str, environment: Mapping[str, str] = os.environ
) -> tuple[EndpointOptions, Path]:
    """(options, file of the answers) that the workflow passed on for a section of the config.

    Raises `UserError` where it did not, or not in this form.
    """
    variable = api_variable(role)
    try:
        options = EndpointOptions(**json.loads(environment.get(variable, "")))
    except (ValueError, TypeError) as error:
        raise UserError(
            f"the {role}'s endpoint is not known: put the keys of {role}.api of the config, as "
            f"JSON, into the environment variable {variable} ({error})"
        ) from None
    return options, answers_file(role, environment)


def answers_file(role: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The SQLite file of a role's answers; raises `UserError` where the environment names none."""
    variable = cache_variable(role)
    if not environment.get(variable):
        raise UserError(
            f"the file for the {role}'s answers is not known: name an SQLite file, which need not "
            f"be there yet, in the environment variable {variable}"
        )
    return Path(environment[variable])


class UnusableError(Exception):
    """A reply of the server that holds no answer."""


class Endpoint:
    """Asks a model over HTTP.

    role: its section in the config, as "judge". cache: SQLite file, shared by the jobs of a study.
    read: an answer from a completion, as a dict for JSON; raises `UnusableError` where none is.
    """

    def __init__(
        self,
        role: str,
        options: EndpointOptions,
        cache: Path,
        read: Callable[[object], dict],
    ):
        self.role, self.options, self.read = role, options, read
        self.cache = AnswerCache(cache)
        self._key = os.environ.get(options.key_env, "")
        if not self._key:
            raise UserError(
                f"the {role}'s key is not set: put it in the environment variable "
                f"{options.key_env} ({role}.api.key_env names it; a server that asks for none "
                "takes any text)"
            )

    def ask(self, requests: Sequence[dict]) -> list[dict]:
        """The answer to each request, in order; equal requests are asked once.

        A request holds what a chat completion takes. Raises `UserError` when the server refuses,
        stays out of reach, or the budget is spent; what was answered until then is kept.
        """
        whole = [{"base_url": self.options.base_url, **request} for request in requests]
        keys = [AnswerCache.key(request) for request in whole]
        known = {key: self.cache.get(key) for key in keys}
        missing = {key: r for key, r in zip(keys, whole, strict=True) if known[key] is None}
        if missing:
            asyncio.run(self._ask_all(missing))
            known |= {key: self.cache.get(key) for key in missing}
        return [answer for key in keys if (answer := known[key]) is not None]

    async def _ask_all(self, requests: dict[str, dict]) -> None:
        import openai
        from tqdm import tqdm

        gate = asyncio.Semaphore(self.options.concurrency)
        timeout = self.options.timeout
        async with openai.AsyncOpenAI(
            api_key=self._key, base_url=self.options.base_url, max_retries=0, timeout=timeout
        ) as client:
            with tqdm(total=len(requests), desc=f"asking the {self.role}", unit="answer") as bar:
                failures: list[UserError] = []
                underway = 0

                async def one(key: str) -> None:
                    nonlocal underway
                    async with gate:
                        if failures:
                            return  # start no more; what is under way ends and is kept
                        if self.cache.get(key) is not None:
                            bar.update()  # another job has asked in the meantime
                            return
                        try:
                            self._check_budget(underway)
                            underway += 1
                            await self._ask(client, requests[key], key)
                            underway -= 1
                            bar.update()
                        except UserError as failure:
                            failures.append(failure)

                await asyncio.gather(*(one(key) for key in requests))
                if failures:
                    raise failures[0]

    def _check_budget(self, underway: int) -> None:
        """Whether one call more is allowed; calls under way count as dear as those before."""
        spent, options = self.cache.spent(), self.options
        if options.max_calls is not None and spent.calls + underway >= options.max_calls:
            raise self._budget("max_calls", f"{spent.calls} calls")
        cost = self.cost()
        expected = cost * (1 + (underway + 1) / spent.calls) if spent.calls else 0
        if options.max_cost is not None and expected > options.max_cost:
            raise self._budget("max_cost", f"{cost:.4g} for {spent.calls} calls")

    def cost(self) -> float:
        """What all answers in the cache cost, by the config's prices."""
        return self.cache.spent().cost(self.options.price_in, self.options.price_out)

    async def _ask(self, client, request: dict, key: str) -> None:
        import openai
        import tenacity

        question = {name: value for name, value in request.items() if name != "base_url"}
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.options.attempts),
            wait=_wait, retry=tenacity.retry_if_exception(_passes), reraise=True,
        )  # fmt: skip
        try:
            async for attempt in retrying:
                with attempt:
                    completion, answer = await self._completion(client, question)
        except (openai.OpenAIError, UnusableError) as error:
            raise self._failure(error) from None
        usage = completion.usage
        tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        self.cache.put(key, request, answer, *tokens)

    def _failure(self, error: Exception) -> UserError:
        # a server may repeat the key in its message
        message = " ".join(str(error).replace(self._key, "***").split())[:300]
        return UserError(
            f"the {self.role} at {self.options.base_url} gave no answer after "
            f"{self.options.attempts} attempts at most: {message}. What it answered "
            "before is kept: start again to go on"
        )

    def _budget(self, name: str, spent: str) -> UserError:
        key, limit = f"{self.role}.api.{name}", getattr(self.options, name)
        return UserError(
            f"the {self.role}'s budget is spent: {spent}, and {key} is {limit:g}. The "
            f"answers are kept: raise {key} and start again to go on"
        )

    async def _completion(self, client, question: dict) -> tuple:
        """(completion, answer); raises `UnusableError` for a reply that is not JSON."""
        try:
            completion = await client.chat.completions.create(**question)
        except ValueError as error:
            raise UnusableError(f"a reply that is not JSON ({error})") from None
        return completion, self.read(completion)


def _passes(error: BaseException) -> bool:
    """Whether a failure may pass: no connection, time-outs, 429, 5xx, replies without an answer."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code == 429 or error.status_code >= 500
    return isinstance(error, (openai.APIConnectionError, openai.APIResponseValidationError,
                              UnusableError))  # fmt: skip


def _wait(state) -> float:
    """Seconds to the next attempt: what the server wants, else growing, with jitter."""
    import tenacity

    response = getattr(state.outcome.exception(), "response", None)
    wanted = _seconds(response.headers.get("retry-after", "")) if response is not None else None
    if wanted is not None:
        return wanted
    return tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)


def _seconds(text: str) -> float | None:
    """From a Retry-After header (RFC 9110: seconds, or a date); None for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except ValueError:
            return None
        seconds = max(seconds, 0)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def answer_of(completion) -> tuple:
    """(choice, text) of a completion; raises `UnusableError` where there is no text."""
    choice = completion.choices[0] if getattr(completion, "choices", None) else None
    if choice is None or choice.message is None or choice.message.content is None:
        raise UnusableError("a reply without an answer")
    return choice, choice.message.content
