"""Requests to models and their answers in SQLite, so that none is sent or paid for twice."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from idempotence.errors import UserError

WAIT = 60  # seconds that a writer waits for another job's
_TABLES = [
    """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL)""",
    # a budget needs the totals at every call: they are kept, not summed up each time
    """CREATE TABLE IF NOT EXISTS spent (
    calls INTEGER NOT NULL, tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL)""",
    """CREATE TRIGGER IF NOT EXISTS answered AFTER INSERT ON answers BEGIN
    UPDATE spent SET calls = calls + 1, tokens_in = tokens_in + NEW.tokens_in,
    tokens_out = tokens_out + NEW.tokens_out; END""",
    # calls that were sent and have no answer yet, of all jobs: a budget holds for them too
    """CREATE TABLE IF NOT EXISTS underway (
    call INTEGER PRIMARY KEY AUTOINCREMENT, since REAL NOT NULL)""",
]
_ADDED = """UPDATE spent SET calls = calls + 1, tokens_in = tokens_in + ?,
    tokens_out = tokens_out + ?"""
# a call without an answer that was perhaps paid for counts as dear as those before
_LOST = """UPDATE spent SET tokens_in = tokens_in + ?1 * tokens_in / max(calls, 1),
    tokens_out = tokens_out + ?1 * tokens_out / max(calls, 1), calls = calls + ?1"""
_SPENT = "SELECT calls, tokens_in, tokens_out FROM spent"
_TOTALS = """SELECT count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0)
    FROM answers"""
MILLION = 1_000_000


@dataclass(frozen=True)
class Spent:
    """Totals of all answers, those of no use and those that may have been lost on their way too."""

    calls: int
    tokens_in: int
    tokens_out: int

    def cost(self, price_in: float, price_out: float) -> float:
        """Money, by prices per million tokens."""
        return (self.tokens_in * price_in + self.tokens_out * price_out) / MILLION


def spent_in(path: Path) -> Spent | None:
    """Totals of the answers of a file; None where there is no such file. Nothing is written.

    Raises `UserError` for a file of another kind.
    """
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        try:
            kept = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'spent'").fetchone()
            return Spent(*database.execute(_SPENT if kept else _TOTALS).fetchone())
        except sqlite3.DatabaseError as error:
            raise UserError(f"{path} holds no answers of a model ({error}); move it away") from None


class AnswerCache:
    """Answers by a hash of their whole request; jobs on one machine may share a file.

    good: whether an answer is one that its reader can use. One that is not, as an earlier version
    may have stored it, counts as none and is taken out. Raises `UserError` for a file of another
    kind.
    """

    def __init__(self, path: Path, good: Callable[[dict], bool] = lambda answer: True):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._good = good
        self._database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        try:
            self._log_ahead()
            self._make_tables()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise UserError(f"{path} cannot hold answers of a model ({error})") from None

    def _log_ahead(self) -> None:
        """Write ahead, so that readers need not wait for writers.

        Of several jobs that do this to a new file, SQLite refuses some at once, whatever they are
        ready to wait: these try again.
        """
        end = time.monotonic() + WAIT
        while True:
            try:
                self._database.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _make_tables(self) -> None:
        """Tables that are not there yet, with the totals of what is."""
        with self._alone():
            for table in _TABLES:
                self._database.execute(table)
            if self._database.execute("SELECT count(*) FROM spent").fetchone()[0] == 0:
                self._database.execute(f"INSERT INTO spent {_TOTALS}")

    @staticmethod
    def key(request: dict) -> str:
        """SHA-256 of a request as sorted JSON."""
        text = json.dumps(request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> dict | None:
        """A stored answer; None where there is none that is good."""
        query = "SELECT answer FROM answers WHERE key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        if row is None:
            return None
        try:
            answer = json.loads(row[0])
        except ValueError:
            answer = None
        if isinstance(answer, dict) and self._good(answer):
            return answer
        self._database.execute("DELETE FROM answers WHERE key = ?", (key,))
        return None

    def put(self, key: str, request: dict, answer: dict, tokens_in: int, tokens_out: int) -> dict:
        """Store an answer at once, unless there is one; returns the stored one.

        Of two jobs that ask the same at a time both get the first answer; both calls are counted.
        """
        with self._alone():
            stored = self.get(key)
            if stored is not None:
                self.waste(tokens_in, tokens_out)
                return stored
            self._database.execute(
                "INSERT INTO answers VALUES (?, ?, ?, ?, ?)",
                (key, json.dumps(request, ensure_ascii=False),
                 json.dumps(answer, ensure_ascii=False), tokens_in, tokens_out),
            )  # fmt: skip
        return answer

    def waste(self, tokens_in: int, tokens_out: int) -> None:
        """Count an answer that is not kept."""
        self._database.execute(_ADDED, (tokens_in, tokens_out))

    def lose(self, calls: int) -> None:
        """Count calls whose answers did not come, but may have been paid for."""
        self._database.execute(_LOST, (calls,))

    def begin(self, allow: Callable[[Spent, int], None], seconds: float) -> int:
        """Note that a call is under way; returns its number, for `end`.

        allow: raises where no call more may be made, given what was spent and how many are under
        way; its error is passed on. seconds: how long a call takes at most; older ones are those of
        jobs that were killed, and count as lost.
        """
        now = time.time()
        with self._alone():
            old = "DELETE FROM underway WHERE since < ?"
            if killed := self._database.execute(old, (now - seconds,)).rowcount:
                self.lose(killed)
            (underway,) = self._database.execute("SELECT count(*) FROM underway").fetchone()
            allow(self.spent(), underway)
            added = self._database.execute("INSERT INTO underway (since) VALUES (?)", (now,))
            return int(added.lastrowid or 0)

    def end(self, call: int) -> None:
        """Note that a call is over."""
        self._database.execute("DELETE FROM underway WHERE call = ?", (call,))

    def spent(self) -> Spent:
        """Totals of all answers."""
        return Spent(*self._database.execute(_SPENT).fetchone())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One step for all jobs that share the file."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._database.close()
