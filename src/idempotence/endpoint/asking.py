"""One job's requests under way: attempts, waits, the budget, and the texts that stay unanswered."""

import asyncio
import math
import random
import sys
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from idempotence.endpoint.answers import Spent
from idempotence.endpoint.replies import (
    NeverError,
    UnusableError,
    choice_of,
    limited,
    named_parameter,
    refusal,
    server_words,
    tokens_spent,
)
from idempotence.errors import UserError

if TYPE_CHECKING:
    from idempotence.endpoint.client import Endpoint

MISSING = "missing"  # the one key of an answer that there is none: the reason
LONGEST_WAIT = 60  # seconds between two attempts, unless the server asks for more
LOGGED = 1  # seconds of a wait that is worth a line
SLACK = 60  # seconds after its time-out when a call counts as that of a job that was killed
NUMBERS = ("top_logprobs", "max_tokens")  # parameters that a server may limit
PASSING = (408, 409, 429)  # and 5xx
OF_THE_TEXT = (400, 422)  # refused as it stands, where no other parameter is named
TOO_LARGE = 413
NO_ENTRY = 401


class Asking:
    """Asks an endpoint until each request has an answer or a reason why it has none.

    n: requests of the job, of which `unanswered` are known to stay so.
    """

    def __init__(self, endpoint: "Endpoint", n: int, unanswered: int):
        self.endpoint, self.options = endpoint, endpoint.options
        self.n, self.unanswered = n, unanswered
        self.most: dict[str, int] = {}  # what the server takes of a number, where it said so
        self.jitter = random.Random()  # decides no result

    async def all(self, requests: Mapping[str, dict]) -> dict[str, dict]:
        """Key -> answer, of each request. Raises as `Endpoint.ask`."""
        import openai
        from tqdm import tqdm

        gate = asyncio.Semaphore(self.options.concurrency)
        answers: dict[str, dict] = {}
        failures: list[UserError] = []
        described = f"asking the {self.endpoint.role}"
        client = openai.AsyncOpenAI(
            api_key=self.endpoint.key, base_url=self.options.base_url, max_retries=0,
            timeout=self.options.timeout,
        )  # fmt: skip
        with tqdm(total=len(requests), desc=described, unit="answer") as bar:

            async def one(key: str) -> None:
                async with gate:
                    if failures:
                        return  # start no more; what is under way ends and is kept
                    try:
                        # another job may have asked in the meantime
                        answers[key] = self.endpoint.cache.get(key) or await self._answer(
                            client, key, requests[key]
                        )
                        bar.update()
                    except UserError as failure:
                        failures.append(failure)

            async with client:
                await asyncio.gather(*(one(key) for key in requests))
        if failures:
            raise failures[0]
        return answers

    async def _answer(self, client: Any, key: str, request: dict) -> dict:
        """The answer to one request, after as many attempts as it takes."""
        import openai

        question = self.endpoint.question(request)
        attempt = 1
        while True:
            asked = question | {k: v for k, v in self.most.items() if question.get(k, 0) > v}
            try:
                return await self._call(client, key, request, asked)
            except UnusableError as error:
                words, response = str(error), None
                if attempt == self.options.attempts:
                    return self._unanswered(f"no usable answer: {words}")
            except openai.APIStatusError as error:
                words, response = _words_of(error), error.response
                if self._lowers(asked, words):
                    continue
                if error.status_code not in PASSING and error.status_code < 500:
                    return self._refused(error.status_code, words, asked, key, request)
                if attempt == self.options.attempts:
                    raise self._failure(words) from None
            except (openai.APIConnectionError, TimeoutError) as error:
                words, response = str(error) or "no answer in time", None
                if attempt == self.options.attempts:
                    raise self._failure(words) from None
            except openai.OpenAIError as error:
                raise self._failure(str(error)) from None
            await self._wait(attempt, words, response)
            attempt += 1

    async def _call(self, client: Any, key: str, request: dict, question: dict) -> dict:
        """One attempt, its answer stored.

        Raises `UnusableError`, errors of openai, TimeoutError, and `UserError` beyond the budget.
        """
        import openai

        cache, usual = self.endpoint.cache, ("model", "messages")
        rest = {name: value for name, value in question.items() if name not in usual}
        bounded = self.options.max_calls is not None or self.options.max_cost is not None
        seconds = self.options.timeout + SLACK
        call = cache.begin(self._check_budget, seconds) if bounded else None
        try:
            async with asyncio.timeout(self.options.timeout):
                raw = await client.chat.completions.with_raw_response.create(
                    **{name: question[name] for name in usual}, extra_body=rest
                )
            reply = None
            try:
                choice, reply = choice_of(raw.content)
                answer = self.endpoint.read(choice)
                self.endpoint.check(answer)
            except NeverError as never:
                answer = {MISSING: str(never)}
            except UnusableError:
                cache.waste(*tokens_spent(reply, question, ""))
                raise
            tokens = tokens_spent(reply, question, answer.get("text", ""))
            return self._kept(cache.put(key, request, answer, *tokens))
        except (TimeoutError, openai.APITimeoutError, asyncio.CancelledError):
            cache.lose(1)  # it may come yet, and be paid for
            raise
        finally:
            if call is not None:
                cache.end(call)

    def _lowers(self, question: dict, words: str) -> bool:
        """Whether a server's words give the most of a number, which is kept from then on."""
        names = [self.options.names.get(name, name) for name in NUMBERS]
        lower = None if refusal(words) else limited(question, words, names)
        if lower is None:
            return False
        most = {name: lower[name] for name in names if lower.get(name) != question.get(name)}
        self.most |= most
        self._log(f"the {self.endpoint.role} takes at most {most}")
        return True

    def _refused(self, status: int, words: str, question: dict, key: str, request: dict) -> dict:
        """The answer where a server refuses a text; raises `UserError` where it refuses us."""
        reason = "text too long" if status == TOO_LARGE else refusal(words)
        if reason and status != NO_ENTRY:
            return self._kept(self.endpoint.cache.put(key, request, {MISSING: reason}, 0, 0), words)
        parameter = named_parameter(words, question)
        if status in OF_THE_TEXT and parameter is None:
            return self._unanswered(f"refused with status {status}", words)
        role = self.endpoint.role
        hint = f" ({role}.leave_out and {role}.api.names change what is asked)" if parameter else ""
        raise self._failure(f"{words}{hint}")

    def _kept(self, answer: dict, words: str = "") -> dict:
        """A stored answer, which may be that there is none."""
        return self._unanswered(answer[MISSING], words) if MISSING in answer else answer

    def _unanswered(self, reason: str, words: str = "") -> dict:
        """The answer that there is none; raises `UserError` where too many have none."""
        reason = self.endpoint.clean(reason)
        self.unanswered += 1
        detail = f"{reason} ({self.endpoint.clean(words)})" if words else reason
        self._log(f"a text has no answer of the {self.endpoint.role}: {detail}")
        share, role = self.options.max_unanswered, self.endpoint.role
        # one bad answer alone never ends a study
        if self.unanswered > (max(1, math.floor(share * self.n)) if share else 0):
            raise UserError(
                f"the {role} at {self.options.base_url} gave no answer to {self.unanswered} of "
                f"{self.n} texts, the last for this reason: {detail}. That is more than "
                f"{role}.api.max_unanswered allows, which is {share:g}. What it answered is kept: "
                "mend this, or raise the share, and start again to go on"
            )
        return {MISSING: reason}

    def _failure(self, words: str) -> UserError:
        return UserError(
            f"the {self.endpoint.role} at {self.options.base_url} gave no answer after "
            f"{self.options.attempts} attempts at most: {self.endpoint.clean(words)}. What it "
            "answered before is kept: start again to go on"
        )

    def _check_budget(self, spent: Spent, underway: int) -> None:
        """Whether one call more is allowed; calls under way count as dear as those before."""
        options = self.options
        if options.max_calls is not None and spent.calls + underway >= options.max_calls:
            raise self._budget("max_calls", f"{spent.calls} calls")
        cost = spent.cost(options.price_in, options.price_out)
        expected = cost * (1 + (underway + 1) / spent.calls) if spent.calls else 0
        if options.max_cost is not None and expected > options.max_cost:
            raise self._budget("max_cost", f"{cost:.4g} for {spent.calls} calls")

    def _budget(self, name: str, spent: str) -> UserError:
        key, limit = f"{self.endpoint.role}.api.{name}", getattr(self.options, name)
        return UserError(
            f"the {self.endpoint.role}'s budget is spent: {spent}, and {key} is {limit:g}. The "
            f"answers are kept: raise {key} and start again to go on"
        )

    async def _wait(self, attempt: int, words: str, response: Any) -> None:
        """Wait as long as the server wants, up to the longest wait; else longer each time."""
        wanted = seconds_of(response.headers.get("retry-after", "")) if response else None
        grown = self.jitter.uniform(0, min(LONGEST_WAIT, 2**attempt / 2))
        seconds = grown if wanted is None else min(wanted, self.options.longest_wait)
        if seconds >= LOGGED:
            asked = "" if wanted is None else f", asked for {wanted:.0f} s"
            why = self.endpoint.clean(words)
            self._log(f"the {self.endpoint.role} is asked again in {seconds:.0f} s ({why}{asked})")
        await asyncio.sleep(seconds)

    def _log(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(text, file=sys.stderr)


def _words_of(error: Any) -> str:
    """Status and words of a server that refused."""
    return f"status {error.status_code}: {server_words(error.response.content)}"


def seconds_of(text: str) -> float | None:
    """From a Retry-After header (RFC 9110: seconds, or a date); None for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
        seconds = max(seconds, 0)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
