"""A judge behind an OpenAI-compatible endpoint.

Every answer is stored as soon as it is there, so that a job that was stopped goes on where it was.
The key is read from the environment and goes nowhere but into the request.
"""

import asyncio
import math
import os
from collections.abc import Sequence
from pathlib import Path

from idempotence.errors import UserError
from idempotence.judge.cache import AnswerCache
from idempotence.judge.protocol import Answer

ANSWER_TOKENS = 4  # enough to see whether a number goes on after its first token
LONGEST_WAIT = 60  # seconds between two attempts, unless the server asks for more
MILLION = 1_000_000


class ApiJudge:
    """Asks rubric prompts over HTTP, with bounded concurrency.

    model: its name there. how: base_url, key_env, concurrency, attempts, timeout (seconds),
    max_calls and max_cost (None: no limit), price_in and price_out (money per million tokens).
    cache: SQLite file, shared by the jobs of a study.
    """

    def __init__(self, model: str, how: dict, cache: Path):
        self.model, self.how = model, how
        self.cache = AnswerCache(cache)
        self._key = os.environ.get(how["key_env"], "")
        if not self._key:
            raise UserError(
                f"the judge's key is not set: put it in the environment variable {how['key_env']} "
                "(judge.key_env names it; a server that asks for none takes any text)"
            )

    def answers(self, texts: Sequence[str], top: int) -> list[Answer]:
        """One answer a text, in order; equal texts are asked once.

        Raises `UserError` when the server refuses, stays out of reach, or the budget is spent;
        what was answered until then is kept.
        """
        requests = {text: self._request(text, top) for text in dict.fromkeys(texts)}
        keys = {text: AnswerCache.key(request) for text, request in requests.items()}
        known = {text: self.cache.get(key) for text, key in keys.items()}
        missing = [text for text, answer in known.items() if answer is None]
        if missing:
            asyncio.run(self._ask_all(missing, requests, keys))
            known |= {text: self.cache.get(keys[text]) for text in missing}
        return [Answer(**known[text]) for text in texts]

    def _request(self, text: str, top: int) -> dict:
        return {
            "base_url": self.how["base_url"], "model": self.model,
            "messages": [{"role": "user", "content": text}], "temperature": 0, "seed": 0,
            "max_tokens": ANSWER_TOKENS, "logprobs": True, "top_logprobs": top,
        }  # fmt: skip

    async def _ask_all(self, texts: list[str], requests: dict, keys: dict) -> None:
        import openai
        from tqdm import tqdm

        gate = asyncio.Semaphore(self.how["concurrency"])
        timeout = self.how["timeout"]
        async with openai.AsyncOpenAI(
            api_key=self._key, base_url=self.how["base_url"], max_retries=0, timeout=timeout
        ) as client:
            with tqdm(total=len(texts), desc=f"asking {self.model}", unit="answer") as bar:
                failures: list[UserError] = []
                underway = 0

                async def one(text: str) -> None:
                    nonlocal underway
                    async with gate:
                        if failures:
                            return  # start no more; what is under way ends and is kept
                        try:
                            self._check_budget(underway)
                            underway += 1
                            await self._ask(client, requests[text], keys[text])
                            underway -= 1
                            bar.update()
                        except UserError as failure:
                            failures.append(failure)

                await asyncio.gather(*(one(text) for text in texts))
                if failures:
                    raise failures[0]

    def _check_budget(self, underway: int) -> None:
        """Whether one call more is allowed; calls under way count as dear as those before."""
        spent, how = self.cache.spent(), self.how
        if how["max_calls"] is not None and spent.calls + underway >= how["max_calls"]:
            raise _budget("max_calls", how["max_calls"], f"{spent.calls} calls")
        cost = self.cost()
        expected = cost * (1 + (underway + 1) / spent.calls) if spent.calls else 0
        if how["max_cost"] is not None and expected > how["max_cost"]:
            raise _budget("max_cost", how["max_cost"], f"{cost:.4g} for {spent.calls} calls")

    def cost(self) -> float:
        """What all answers in the cache cost, by the config's prices."""
        spent = self.cache.spent()
        money = spent.tokens_in * self.how["price_in"] + spent.tokens_out * self.how["price_out"]
        return money / MILLION

    async def _ask(self, client, request: dict, key: str) -> None:
        import openai
        import tenacity

        told = {name: value for name, value in request.items() if name != "base_url"}
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self.how["attempts"]),
            wait=_wait, retry=tenacity.retry_if_exception(_passes), reraise=True,
        )  # fmt: skip
        try:
            async for attempt in retrying:
                with attempt:
                    completion, answer = await _completion(client, told)
        except (openai.OpenAIError, _UnusableError) as error:
            raise self._failure(error) from None
        usage = completion.usage
        tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        self.cache.put(key, request, answer, *tokens)

    def _failure(self, error: Exception) -> UserError:
        # a server may repeat the key in what it says
        told = " ".join(str(error).replace(self._key, "***").split())[:300]
        return UserError(
            f"the judge at {self.how['base_url']} gave no answer after {self.how['attempts']} "
            f"attempts at most: {told}. What it answered before is kept: start again to go on"
        )


class _UnusableError(Exception):
    """A reply of the server that holds no answer."""


def _budget(name: str, limit: float, spent: str) -> UserError:
    return UserError(
        f"the judge's budget is spent: {spent}, and judge.{name} is {limit:g}. The answers are "
        f"kept: raise judge.{name} and start again to go on"
    )


def _passes(error: BaseException) -> bool:
    """Whether a failure may pass: no connection, time-outs, 429, 5xx, replies without an answer."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code == 429 or error.status_code >= 500
    return isinstance(error, (openai.APIConnectionError, openai.APIResponseValidationError,
                              _UnusableError))  # fmt: skip


def _wait(state) -> float:
    """Seconds to the next attempt: what the server asks for, else growing, with jitter."""
    import tenacity

    response = getattr(state.outcome.exception(), "response", None)
    asked = response.headers.get("retry-after", "") if response is not None else ""
    try:
        if math.isfinite(float(asked)) and float(asked) >= 0:
            return float(asked)
    except ValueError:
        pass  # absent, or a date: grow as usual
    return tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)


async def _completion(client, told: dict) -> tuple:
    """(completion, `Answer`'s fields); raises `_UnusableError` for a reply that is not JSON."""
    try:
        completion = await client.chat.completions.create(**told)
    except ValueError as error:
        raise _UnusableError(f"a reply that is not JSON ({error})") from None
    return completion, _read(completion)


def _read(completion) -> dict:
    """`Answer`'s fields from a completion; raises `_UnusableError` where there is no text."""
    choice = completion.choices[0] if getattr(completion, "choices", None) else None
    if choice is None or choice.message is None or choice.message.content is None:
        raise _UnusableError("a reply without an answer")
    text, content = choice.message.content, getattr(choice.logprobs, "content", None) or []
    if not content or not content[0].top_logprobs or _goes_on([c.token for c in content]):
        return {"top": {}, "sampled": text}
    return {"top": {c.token: c.logprob for c in content[0].top_logprobs}, "sampled": None}


def _goes_on(tokens: list[str]) -> bool:
    """Whether a number continues after the first token, whose probabilities then say little."""
    return len(tokens) > 1 and tokens[0].strip().isdigit() and tokens[1].isdigit()
