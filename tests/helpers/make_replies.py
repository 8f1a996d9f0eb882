"""Replies of endpoints that are of no use, and refusals that stay."""

import json
import math

from make_asking import refused
from make_endpoint import completion


def with_first(**changes):
    """A good reply whose first likely token differs."""
    status, headers, reply = completion()
    reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0] |= changes
    return status, headers, reply


def with_message(**changes):
    status, headers, reply = completion()
    reply["choices"][0]["message"] |= changes
    return status, headers, reply


def with_choice(**changes):
    status, headers, reply = completion()
    reply["choices"][0] |= changes
    return status, headers, reply


def with_reply(**changes):
    status, headers, reply = completion()
    return status, headers, {**reply, **changes}


SURROGATE = json.dumps(with_first(token="\ud800")[2]).encode()
UNUSABLE = {
    "logprob 800": with_first(logprob=800),
    "logprob null": with_first(logprob=None),
    "logprob a text": with_first(logprob="-0.1"),
    "logprob true": with_first(logprob=True),
    "logprob NaN": with_first(logprob=math.nan),
    "logprob -inf": with_first(logprob=-math.inf),
    "logprob without end": with_first(logprob=-(10**400)),
    "probabilities above 1": with_first(logprob=0.0),
    "token a number": with_first(token=75),
    "half a character in a token": (200, {}, SURROGATE),
    "half a character in the text": with_message(content="\udc00"),
    "content a list": with_message(content=[{"type": "text", "text": "75"}]),
    "content a number": with_message(content=75),
    "content null": with_message(content=None),
    "message null": with_choice(message=None),
    "message a text": with_choice(message="75"),
    "logprobs a list": with_choice(logprobs=[1]),
    "logprobs content a text": with_choice(logprobs={"content": "75"}),
    "choices a text": with_reply(choices="75"),
    "choices empty": with_reply(choices=[]),
    "choice a text": with_reply(choices=["75"]),
    "no object": (200, {}, [1]),
    "not JSON": (200, {}, b"{"),
    "not UTF-8": (200, {}, b"\xff\xfe{"),
    "nested without end": (200, {}, b"[" * 100_000),
    "empty": (200, {}, b""),
    "an error": with_reply(error={"message": "the upstream provider is down"}),
}

NEVER = {
    "filter": (refused(400, "The response was filtered", code="content_filter"), "content filter"),
    "policy": (refused(400, "due to Azure OpenAI's content management policy"), "content filter"),
    "too long": (
        refused(400, "This model's maximum context length is 4097 tokens. However, you requested "
                     "5000 tokens (4996 in the messages, 4 in the completion)."), "text too long",
    ),
    "by code": (refused(400, "Too many.", code="context_length_exceeded"), "text too long"),
    "too large": ((413, {}, b"<html>no</html>"), "text too long"),
    "filtered answer": (
        with_choice(finish_reason="content_filter", message={"content": None}), "content filter",
    ),
    "refusal": (with_message(content=None, refusal="I cannot."), "content filter"),
    "in a good status": (with_reply(error={"message": "flagged by moderation"}), "content filter"),
}  # fmt: skip
