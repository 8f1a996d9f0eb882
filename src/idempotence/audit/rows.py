"""One row of a foreign file: prompt and reply, what it belongs to, its own scores."""

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idempotence.audit.lines import BadRowError, is_finite, kind_of_value
from idempotence.audit.paths import CELL, DEFAULT_CELL, NAMES, WHOLE, Value
from idempotence.doses import DOSES, exact
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.jobs.parts import Kind, kind_of

PAIRS = {"prompt": ("prompt", "query"), "response": ("response", "completion")}
SCORES = ("trait_score", "coherence")
SHORT = {"level": "level", "n_seed": "seed", "n_sampled": "sampled", "beta": "beta",
         "pairs": "pairs"}  # fmt: skip
_NOTHING = object()  # where a row has no such key
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """A prompt and its reply; one_turn: whether the prompt is one message of a user alone."""

    prompt: str
    response: str
    one_turn: bool


class RowReader:
    """Reads rows of foreign files, whose keys are called as the job says."""

    def __init__(self, job: ReadRepliesJob):
        self.columns = job.columns
        self.kinds = {name: kind_of(objective) for name, objective in job.objectives.items()}
        self.listed: dict[str, list[str]] = {
            "setting": list(self.kinds), "model": list(job.models), "trait": list(job.traits),
        }  # fmt: skip
        self.first_cycle = job.first_cycle
        self.low, self.high = job.lowest_score, job.highest_score

    def read(self, row: Row, given: Mapping[str, Value]) -> dict[str, Any]:
        """The row as a study has it. Raises `BadRowError` with the reason.

        given: what its file gives. Keys: setting, model, trait, cell, seed, cycle, the doses (None:
        not known), prompt, response, one_turn, question, trait_score and coherence (points, None:
        not known).
        """
        place = self._place(row, given)
        turn = self._turn(row, self.kinds[place["setting"]])
        for text in (turn.prompt, turn.response):
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise BadRowError("its text holds half a character (a lone surrogate)")
        question = self._column(row, "question")
        question = turn.prompt if question in (None, _NOTHING) else str(question)
        scores = {name: self._score(row, name) for name in SCORES}
        return {**place, **vars(turn), "question": question, **scores}

    def _place(self, row: Row, given: Mapping[str, Value]) -> dict[str, Any]:
        place: dict[str, Any] = {name: self._name(row, given, name) for name in NAMES}
        place |= {name: self._whole(row, given, name) for name in WHOLE}
        place |= {name: self._dose(row, given, name) for name in DOSES}
        place["cycle"] -= self.first_cycle
        if place["cycle"] < 0:
            raise BadRowError(f"its cycle is before audit.first_cycle ({self.first_cycle})")
        if place["cell"] is None:
            doses = [f"{SHORT[d]}{exact(place[d])}" for d in DOSES if place[d] is not None]
            place["cell"] = "_".join(doses) or DEFAULT_CELL
        return place

    def _name(self, row: Row, given: Mapping[str, Value], name: str) -> str | None:
        value = given[name] if name in given else self._column(row, name)
        if value is _NOTHING:
            listed = self.listed.get(name)
            if self.columns[name] is None and listed is None:
                return None
            if self.columns[name] is None and listed and len(listed) == 1:
                return listed[0]
            raise BadRowError(f"no {name}: it has no key {self.columns[name]!r}")
        if isinstance(value, int | float) and not isinstance(value, bool) and name == "cell":
            value = f"{value:g}"
        if not isinstance(value, str):
            raise BadRowError(f"its {name} is {kind_of_value(value)}, not a text")
        if name in self.listed and value not in self.listed[name]:
            raise BadRowError(
                f"its {name} is {reprlib.repr(value)}, which the config does not list: "
                + ", ".join(self.listed[name])
            )
        if not CELL.fullmatch(value):
            raise BadRowError(f"its {name} {reprlib.repr(value)} has other letters than a name may")
        return value

    def _whole(self, row: Row, given: Mapping[str, Value], name: str) -> int:
        value = given[name] if name in given else self._column(row, name)
        if value is _NOTHING:
            if name == "seed" and self.columns[name] is None:
                return 0
            raise BadRowError(f"no {name}: it has no key {self.columns[name]!r}")
        number = _number(value, name)
        if number < 0 or not float(number).is_integer() or number >= 2**31:
            raise BadRowError(f"its {name} is {number:g}, not a whole number of 0 or more")
        return int(number)

    def _dose(self, row: Row, given: Mapping[str, Value], name: str) -> float | None:
        value = given[name] if name in given else self._column(row, name)
        return None if value in (None, _NOTHING) else float(_number(value, name))

    def _score(self, row: Row, name: str) -> float | None:
        value = self._column(row, name)
        if value in (None, _NOTHING) or isinstance(value, float) and math.isnan(value):
            return None
        key = self.columns[name]
        number = _number(value, str(key), text=False)
        points = 100 * (number - self.low) / (self.high - self.low)
        if not 0 <= points <= 100:
            between = f"audit.lowest_score ({self.low:g}) and audit.highest_score ({self.high:g})"
            raise BadRowError(f"its {key} is {number:g}, not between {between}")
        return points

    def _turn(self, row: Row, kind: Kind) -> Turn:
        key = str(self.columns["messages"])
        messages = _lookup(row, key)
        if self.columns["response"] is None and messages is not _NOTHING:
            return _from_messages(messages)
        response = self._text(row, "response")
        if response is _NOTHING:
            keys = [key, *self._keys("response")]
            raise BadRowError(f"no reply: it has none of the keys {', '.join(keys)}")
        prompt = self._text(row, "prompt")
        if prompt is _NOTHING and kind == "document":
            prompt = ""  # a document may begin with nothing
        if prompt in (None, _NOTHING):
            raise BadRowError(f"no prompt (looked for {', '.join(self._keys('prompt'))})")
        return Turn(prompt, response or "", True)

    def _keys(self, name: str) -> tuple[str, ...]:
        own = self.columns[name]
        return PAIRS[name] if own is None else (own,)

    def _text(self, row: Row, name: str) -> Any:
        """A text, None for null, `_NOTHING` where the row has no such key."""
        values = {key: _lookup(row, key) for key in self._keys(name)}
        values = {key: value for key, value in values.items() if value is not _NOTHING}
        if len(values) > 1:
            raise BadRowError(f"has both {' and '.join(values)}: say which in audit.columns.{name}")
        for key, value in values.items():
            if value is not None and not isinstance(value, str):
                raise BadRowError(f"its {key} is {kind_of_value(value)}, not a text")
            return value
        return _NOTHING

    def _column(self, row: Row, name: str) -> Any:
        key = self.columns[name]
        return _NOTHING if key is None else _lookup(row, key)


def _lookup(row: Row, key: str) -> Any:
    """The value of a key, or of `a.b` the value of b in a; `_NOTHING` where there is none."""
    if key in row:
        return row[key]
    value: Any = row
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return _NOTHING
        value = value[part]
    return value


def _number(value: Any, name: str, text: bool = True) -> float:
    """A number; text: whether one in quotes is taken, too."""
    if text and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            pass
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise BadRowError(f"its {name} is {kind_of_value(value)}, not a number")
    return value


def _from_messages(messages: Any) -> Turn:
    """The last message is the reply; those before are the prompt, several with their roles."""
    if not isinstance(messages, list) or not messages:
        raise BadRowError(f"its messages are {kind_of_value(messages)}, not a list of messages")
    turns = []
    for i, message in enumerate(messages, start=1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRowError(f"message {i} is no object with a role and content")
        turns.append((message["role"], _content(message.get("content"), i)))
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
