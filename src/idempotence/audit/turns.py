"""Prompt and reply of a foreign row, in each form that is taken."""

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idempotence.audit.lines import BadRowError, kind_of_value
from idempotence.audit.values import NOTHING, Row, lookup
from idempotence.jobs.audit import Shape
from idempotence.objectives import Kind

MESSAGES = "messages"
PAIRS = {"prompt": ("prompt", "query"), "response": ("response", "completion")}
_ALPACA = {"prompt": ("instruction",), "response": ("output",)}
_SHAREGPT_ROLES = {"human": "user", "gpt": "assistant"}


@dataclass(frozen=True)
class Turn:
    """A prompt and its reply; one_turn: whether the prompt is one message of a user alone."""

    prompt: str
    response: str
    one_turn: bool


class TurnReader:
    """Finds prompt and reply in rows of a shape, whose keys are called as `columns` say."""

    def __init__(self, columns: Mapping[str, str | None], shape: Shape | None):
        self.shape = shape
        usual = _ALPACA if shape == "alpaca" else PAIRS
        self.keys = {
            name: usual[name] if columns[name] is None else (str(columns[name]),) for name in PAIRS
        }
        self.messages = columns["messages"] or (
            "conversations" if shape == "sharegpt" else MESSAGES
        )
        self.only_messages = columns["messages"] is not None or shape == "sharegpt"
        own_pair = any(columns[name] is not None for name in PAIRS)
        self.only_pair = not self.only_messages and (own_pair or shape == "alpaca")

    def read(self, row: Row, kind: Kind) -> Turn:
        """Prompt and reply. Raises `BadRowError` with the reason."""
        messages = NOTHING if self.only_pair else lookup(row, self.messages)
        if messages is not NOTHING:
            if not self.only_messages:
                self._check_alone(row)
            return _from_messages(messages, self.shape == "sharegpt")
        response: Any = NOTHING if self.only_messages else self._text(row, "response")
        if response is NOTHING:
            keys = [] if self.only_pair else [self.messages]
            keys += [] if self.only_messages else self.keys["response"]
            raise BadRowError(f"no reply: it has none of the keys {', '.join(keys)}")
        prompt = self._text(row, "prompt")
        if prompt is NOTHING and kind == "document":
            prompt = ""  # a document may begin with nothing
        if prompt is None or prompt is NOTHING:
            raise BadRowError(f"no prompt (looked for {', '.join(self.keys['prompt'])})")
        more = lookup(row, "input") if self.shape == "alpaca" else None
        if isinstance(more, str) and more:
            prompt = f"{prompt}\n\n{more}"
        return Turn(str(prompt), response or "", True)

    def _check_alone(self, row: Row) -> None:
        """Raise `BadRowError` for a row that has messages and a pair."""
        others = [key for keys in PAIRS.values() for key in keys if lookup(row, key) is not NOTHING]
        if others:
            both = f"has both {self.messages} and {' and '.join(others)}"
            raise BadRowError(f"{both}: say which in audit.columns")

    def _text(self, row: Row, name: str) -> Any:
        """A text, None for null, `NOTHING` where the row has no such key."""
        values = {key: lookup(row, key) for key in self.keys[name]}
        values = {key: value for key, value in values.items() if value is not NOTHING}
        if len(values) > 1:
            raise BadRowError(f"has both {' and '.join(values)}: say which in audit.columns.{name}")
        for key, value in values.items():
            if value is not None and not isinstance(value, str):
                raise BadRowError(f"its {key} is {kind_of_value(value)}, not a text")
            return value
        return NOTHING


def _from_messages(messages: Any, sharegpt: bool) -> Turn:
    """The last message is the reply; those before are the prompt, several with their roles."""
    if not isinstance(messages, list) or not messages:
        raise BadRowError(f"its messages are {kind_of_value(messages)}, not a list of messages")
    who, what = ("from", "value") if sharegpt else ("role", "content")
    turns = []
    for i, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not isinstance(message.get(who), str):
            raise BadRowError(f"message {i} is no object with a {who} and {what}")
        role = _SHAREGPT_ROLES.get(message[who], message[who]) if sharegpt else message[who]
        turns.append((role, _content(message.get(what), i)))
    role, response = turns.pop()
    if role != "assistant":
        raise BadRowError(f"the last message is of the role {reprlib.repr(role)}, not assistant")
    if not turns:
        raise BadRowError("no prompt: the reply is the only message")
    one_turn = len(turns) == 1 and turns[0][0] == "user"
    texts = [text if one_turn else f"{role}: {text}" for role, text in turns]
    return Turn("\n\n".join(texts), response, one_turn)


def _content(content: Any, number: int) -> str:
    """A message's text; parts of type text are put together; null is empty."""
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            raise BadRowError(f"the content of message {number} is not text alone")
        texts.append(text)
    return "".join(texts)
