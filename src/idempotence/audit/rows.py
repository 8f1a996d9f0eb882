"""One row of a foreign file: prompt and reply, what it belongs to, its own scores."""

import difflib
import reprlib
from collections.abc import Mapping
from typing import Any

from idempotence.audit.lines import BadRowError, kind_of_value
from idempotence.audit.paths import CELL, DEFAULT_CELL, NAMES, WHOLE, Value
from idempotence.audit.turns import TurnReader
from idempotence.audit.values import NOTHING, Row, is_unknown, lookup, number
from idempotence.doses import DOSES, exact
from idempotence.errors import UserError
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.objectives import kind_of

SCORES = ("trait_score", "coherence")
SHORT = {"level": "level", "n_seed": "seed", "n_sampled": "sampled", "beta": "beta",
         "pairs": "pairs"}  # fmt: skip
LONGEST_NAME = 100  # letters
_KEYS, _SHOWN = 500, 12  # keys of rows that are kept, and that a message shows


class RowReader:
    """Reads rows of foreign files, whose keys are called as the job says."""

    def __init__(self, job: ReadRepliesJob):
        self.columns = job.columns
        self.turns = TurnReader(job.columns, job.shape)
        self.kinds = {name: kind_of(objective) for name, objective in job.objectives.items()}
        self.listed: dict[str, list[str]] = {
            "setting": list(self.kinds), "model": list(job.models), "trait": list(job.traits),
        }  # fmt: skip
        self.first_cycle = job.first_cycle
        self.low, self.high = job.lowest_score, job.highest_score
        self._unseen = {name: key for name, key in job.columns.items() if key is not None}
        self._keys: dict[str, None] = {}  # of all rows, while a key is unseen

    def read(self, row: Row, given: Mapping[str, Value]) -> dict[str, Any]:
        """The row as a study has it. Raises `BadRowError` with the reason.

        given: what its file gives. Keys: setting, model, trait, cell, seed, cycle (less
        first_cycle), the doses (None: not known), prompt, response, one_turn, question, trait_score
        and coherence (points, None: not known).
        """
        place = self.place(row, given)
        turn = self.turns.read(row, self.kinds[place["setting"]])
        for text in (turn.prompt, turn.response):
            if any("\ud800" <= letter <= "\udfff" for letter in text):
                raise BadRowError("its text holds half a character (a lone surrogate)")
        scores = {name: self._score(row, name) for name in SCORES}
        return {**place, **vars(turn), "question": self._question(row, turn.prompt), **scores}

    def look_for_keys(self, row: Row) -> None:
        """Note which of the keys that the config names a row has; for `check_keys`."""
        if not self._unseen:
            return
        seen = [name for name, key in self._unseen.items() if lookup(row, key) is not NOTHING]
        for name in seen:
            del self._unseen[name]
        if len(self._keys) < _KEYS:
            inner = [f"{a}.{b}" for a, inside in row.items() if isinstance(inside, dict)
                     for b in inside]  # fmt: skip
            self._keys.update(dict.fromkeys([*map(str, row), *inner]))

    def check_keys(self) -> None:
        """Raise `UserError` for a key that the config names and no row has."""
        if not self._keys:
            return
        for name, key in self._unseen.items():
            close = difflib.get_close_matches(key, list(self._keys), n=1)
            mean = f"; did you mean {close[0]}?" if close else "."
            there_are = f"They have: {', '.join(map(reprlib.repr, list(self._keys)[:_SHOWN]))}"
            raise UserError(f"audit.columns.{name}: no row has the key {key!r}{mean} {there_are}")

    def place(self, row: Row, given: Mapping[str, Value]) -> dict[str, Any]:
        """What a row belongs to; see `read`. Raises `BadRowError` with the reason."""
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
        if value is NOTHING:
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
        if len(value) > LONGEST_NAME:
            raise BadRowError(f"its {name} has over {LONGEST_NAME} letters")
        if not CELL.fullmatch(value):
            text = f"its {name} {reprlib.repr(value)} has other letters than a name may"
            raise BadRowError(f"{text}: letters, digits, spaces and . _ + = , : @ - are allowed")
        return value

    def _whole(self, row: Row, given: Mapping[str, Value], name: str) -> int:
        value = given[name] if name in given else self._column(row, name)
        if value is NOTHING:
            if name == "seed" and self.columns[name] is None:
                return 0
            raise BadRowError(f"no {name}: it has no key {self.columns[name]!r}")
        whole = number(value, name)
        if whole < 0 or not float(whole).is_integer() or whole >= 2**31:
            raise BadRowError(f"its {name} is {whole:g}, not a whole number of 0 or more")
        return int(whole)

    def _dose(self, row: Row, given: Mapping[str, Value], name: str) -> float | None:
        value = given[name] if name in given else self._column(row, name)
        return None if value is None or value in (NOTHING, "") else float(number(value, name))

    def _question(self, row: Row, prompt: str) -> str:
        """What identifies the question: the prompt, where nothing else does."""
        value = self._column(row, "question")
        if value is NOTHING and self.columns["question"] is not None:
            raise BadRowError(f"no question: it has no key {self.columns['question']!r}")
        return prompt if value is NOTHING or value is None else str(value)

    def _score(self, row: Row, name: str) -> float | None:
        value = self._column(row, name)
        if is_unknown(value):
            return None
        key = self.columns[name]
        score = number(value, str(key))
        points = 100 * (score - self.low) / (self.high - self.low)
        if not 0 <= points <= 100:
            between = f"audit.lowest_score ({self.low:g}) and audit.highest_score ({self.high:g})"
            raise BadRowError(f"its {key} is {score:g}, not between {between}")
        return points

    def _column(self, row: Row, name: str) -> Any:
        key = self.columns[name]
        return NOTHING if key is None else lookup(row, key)
