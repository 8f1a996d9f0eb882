"""Requests to models and their answers in SQLite, so that none is sent or paid for twice."""

import hashlib
import json
import sqlite3
from contextlib import closing
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
]
_TOTALS = """SELECT count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0)
    FROM answers"""
MILLION = 1_000_000


@dataclass(frozen=True)
class Spent:
    """Totals of all answers in a cache."""

    calls: int
    tokens_in: int
    tokens_out: int

    def cost(self, price_in: float, price_out: float) -> float:
        """Money, by prices per million tokens."""
        return (self.tokens_in * price_in + self.tokens_out * price_out) / MILLION


def spent_in(path: Path) -> Spent | None:
    """Totals of the answers in a file; None where there is no such file. Nothing is written.

    Raises `UserError` for a file of another kind.
    """
    if not path.is_file():
        return None
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        try:
            return Spent(*database.execute(_TOTALS).fetchone())
        except sqlite3.DatabaseError as error:
            raise UserError(f"{path} holds no answers of a model ({error}); move it away") from None


class AnswerCache:
    """Answers by a hash of their whole request; jobs on one machine may share a file."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._make_tables()

    def _make_tables(self) -> None:
        """Tables that are not there yet, with the totals of what is."""
        self._database.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            self._database.execute(table)
        if self._database.execute("SELECT count(*) FROM spent").fetchone()[0] == 0:
            self._database.execute(f"INSERT INTO spent {_TOTALS}")
        self._database.execute("COMMIT")

    @staticmethod
    def key(request: dict) -> str:
        """SHA-256 of a request as sorted JSON."""
        text = json.dumps(request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> dict | None:
        """A stored answer."""
        query = "SELECT answer FROM answers WHERE key = ?"
        row = self._database.execute(query, (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, request: dict, answer: dict, tokens_in: int, tokens_out: int) -> None:
        """Store an answer at once; one that is there stays."""
        self._database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
            (key, json.dumps(request, ensure_ascii=False), json.dumps(answer, ensure_ascii=False),
             tokens_in, tokens_out),
        )  # fmt: skip

    def spent(self) -> Spent:
        """Totals of all answers."""
        row = self._database.execute("SELECT calls, tokens_in, tokens_out FROM spent").fetchone()
        return Spent(*row)

    def close(self) -> None:
        """Close the file."""
        self._database.close()
