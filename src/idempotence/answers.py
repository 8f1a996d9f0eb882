"""What models were asked and answered, kept in SQLite: nothing is asked or paid for twice."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

WAIT = 60  # seconds that a writer waits for another job's
_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL)"""


@dataclass(frozen=True)
class Spent:
    """Totals of all answers in a cache."""

    calls: int
    tokens_in: int
    tokens_out: int


class AnswerCache:
    """Answers under a hash of everything that was asked; jobs on one machine may share a file."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(_TABLE)

    @staticmethod
    def key(request: dict) -> str:
        """SHA-256 of a request as sorted JSON."""
        text = json.dumps(request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> dict | None:
        """A stored answer."""
        query = "SELECT answer FROM answers WHERE key = ?"
        found = self._database.execute(query, (key,)).fetchone()
        return json.loads(found[0]) if found else None

    def put(self, key: str, request: dict, answer: dict, tokens_in: int, tokens_out: int) -> None:
        """Store an answer at once; one that is there stays."""
        self._database.execute(
            "INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)",
            (key, json.dumps(request, ensure_ascii=False), json.dumps(answer, ensure_ascii=False),
             tokens_in, tokens_out),
        )  # fmt: skip

    def spent(self) -> Spent:
        """What all answers took."""
        query = "SELECT count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0)"
        return Spent(*self._database.execute(f"{query} FROM answers").fetchone())

    def close(self) -> None:
        """Close the file."""
        self._database.close()
