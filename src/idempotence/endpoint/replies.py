"""What a server's reply says: an answer, nothing of use, or that it will never answer this text.

Replies are read as plain JSON and checked here. A client library takes whatever it is sent.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

BYTES_PER_TOKEN = 3  # of a server that counts no tokens; most texts have more, so that none is free
ROUNDING = 0.05  # by which a probability, or a sum of some, may be above 1
LEAST = -1e9  # the logarithm of a probability; -9999 stands for "none"
MOST_TOKENS = 2**31
LONGEST = 300  # letters of a server's message that are shown
LIMITED = re.compile(
    r"(?:<=|less than or equal to|at most|max(?:imum)?(?: allowed| value| number)?(?: of| is)?:?)"
    r"\s*(\d+)",
    re.IGNORECASE,
)
# Words by which servers refuse a text: the first is what a table shows.
NEVER = {
    "content filter": (
        "content_filter", "content filter", "content management policy", "content policy",
        "content_policy", "responsibleaipolicy", "flagged", "safety system", "moderation",
    ),
    "text too long": (
        "context_length", "context length", "context window", "prompt is too long",
        "input is too long", "prompt too long", "input too long", "too many tokens",
        "string_above_max_length", "reduce the length", "payload too large",
    ),
}  # fmt: skip


class UnusableError(Exception):
    """A reply that holds no answer; the next one may."""


class NeverError(Exception):
    """The server will not answer this request, however often it is asked: the reason."""


def choice_of(body: bytes) -> tuple[dict, dict]:
    """(first choice, whole reply) of a chat completion.

    Raises `UnusableError` for anything else, with the server's words where it has some.
    """
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnusableError(f"a reply that is not JSON ({error})") from None
    if isinstance(reply, dict) and reply.get("error"):
        words = server_words(body)
        raise NeverError(reason) if (reason := refusal(words)) else UnusableError(words)
    choices = reply.get("choices") if isinstance(reply, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise UnusableError("a reply without an answer")
    return choices[0], reply


def text_of(choice: Mapping[str, Any]) -> str:
    """The text of a choice.

    Raises `NeverError` where the model's filter took it, `UnusableError` where there is none.
    """
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if isinstance(text, str):
        return text
    ended = choice.get("finish_reason")
    if ended == "content_filter" or isinstance(message, dict) and message.get("refusal"):
        raise NeverError("content filter")
    if text is None:
        raise UnusableError(f"a reply without an answer (finish_reason: {_shown(ended)})")
    raise UnusableError(f"an answer that is not a text: {_shown(text)}")


def tokens_of(
    choice: Mapping[str, Any],
) -> tuple[list[str], list[list[tuple[str, float]]]]:
    """(tokens of the answer, at each place the likeliest tokens with natural log-probabilities).

    All is as it was sent, and empty where no probability is given. Raises `UnusableError` for
    another form.
    """
    try:
        content = (choice.get("logprobs") or {}).get("content") or []
        tokens = [each["token"] for each in content]
        places = [each.get("top_logprobs") or [] for each in content]
        return tokens, [[(each["token"], each["logprob"]) for each in place] for place in places]
    except (AttributeError, KeyError, TypeError, IndexError):
        raise UnusableError("log-probabilities of an unknown form") from None


def check_text(text: Any) -> None:
    """Raise `UnusableError` for what is not a text that a file can hold."""
    if not isinstance(text, str):
        raise UnusableError(f"not a text: {_shown(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UnusableError(f"half a character: {_shown(text)}") from None


def check_likeliest(top: Any) -> None:
    """Raise `UnusableError` for what are not tokens with the logarithms of their probabilities."""
    if not isinstance(top, dict):
        raise UnusableError("log-probabilities of an unknown form")
    for token, value in top.items():
        check_text(token)
        known = isinstance(value, int | float) and not isinstance(value, bool)
        if not known or not LEAST <= value <= ROUNDING:  # nor NaN
            raise UnusableError(f"a log-probability of {_shown(value)}")
    if math.fsum(map(math.exp, top.values())) > 1 + ROUNDING:
        raise UnusableError("probabilities that add up to more than 1")


def tokens_spent(reply: Any, question: Mapping[str, Any], text: str) -> tuple[int, int]:
    """(tokens of the prompt, of the answer) as the server counts them.

    Where it does not, one for every `BYTES_PER_TOKEN` bytes, so that a budget still holds.
    """
    usage = reply.get("usage") if isinstance(reply, dict) else None
    counts = usage if isinstance(usage, dict) else {}
    prompt = json.dumps(question.get("messages"))
    return (
        _count(counts.get("prompt_tokens"), prompt),
        _count(counts.get("completion_tokens"), text),
    )


def _count(value: Any, text: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_TOKENS:
        return value
    return math.ceil(len(text.encode()) / BYTES_PER_TOKEN)


def server_words(body: bytes) -> str:
    """What a server says of an error, on one line; "" where it says nothing."""
    text = body.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = text
    code = ""
    for name in ("error", "detail", "message"):  # OpenAI's form; FastAPI's, as of status 422
        if isinstance(content, dict) and content.get(name):
            code, content = content.get("code") or code, content[name]
    content = content if isinstance(content, str) else json.dumps(content)
    words = " ".join(content.split())[:LONGEST]
    return f"{words} ({code})" if isinstance(code, str) and code and code not in words else words


def refusal(words: str) -> str | None:
    """Why a server never answers a text, where its words say so."""
    small = words.lower()
    reasons = (reason for reason, signs in NEVER.items() if any(sign in small for sign in signs))
    return next(reasons, None)


def named_parameter(words: str, question: Mapping[str, Any]) -> str | None:
    """The parameter of a question, but for the messages, that a server's words are about."""
    names = sorted(set(question) - {"messages"}, key=len, reverse=True)
    return next((name for name in names if re.search(rf"\b{re.escape(name)}\b", words)), None)


def limited(question: Mapping[str, Any], words: str, names: Sequence[str]) -> dict | None:
    """The question with a lower number, where a server's words give the most that it takes.

    names: of the parameters that hold a number. None where there is nothing to lower.
    """
    match = LIMITED.search(words)
    if match is None:
        return None
    most = int(match[1])
    about = (name for name in names if name.removeprefix("top_") in words)
    lower = (name for name in about if question.get(name, 0) > most)
    return next(({**question, name: most} for name in lower), None)


def _shown(value: Any) -> str:
    return json.dumps(value)[:40]
