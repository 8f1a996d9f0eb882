"""All files of an audit as one table of replies, with an account of every row."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.audit.cycles import LAST_CYCLE, are_steps, in_order, listed
from idempotence.audit.formats import read_rows
from idempotence.audit.lines import BadRowError, Object
from idempotence.audit.paths import ReplyFile, reply_files
from idempotence.audit.reasons import counted, rows
from idempotence.audit.rows import RowReader
from idempotence.doses import DOSES
from idempotence.errors import UserError
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.scores.schema import CHAIN

LOOP = ["setting", "model"]  # whose checkpoints have the same steps
CYCLE = [*CHAIN, "cycle"]
COLUMNS = [
    "setting", "model", "trait", "seed", "cell", *DOSES, "cycle", "question", "sample", "prompt",
    "response", "one_turn", "status", "reason", "trait_score", "coherence",
]  # fmt: skip
COUNTS = ["file", "read", "ok", "empty", "bad", "bytes", "sha256", "note"]
BAD = ["file", "line", "why"]
EMPTY = "the reply is empty"
PROGRESS = 10_000  # rows between two lines of the log
Chain = tuple[Any, ...]


@dataclass
class Account:
    """What became of the rows of all files.

    replies: see `RowReader.read`, with status ("ok", "empty") and reason; cycles are cycles, steps
    are none any more. counts: rows of each file (`COUNTS`). bad: rows that cannot be used (`BAD`).
    lost: chain -> reasons of its bad rows. parts: chain -> cycle -> its files, where several.
    steps: setting and model -> training steps of their cycles, where the files count so.
    """

    replies: list[dict[str, Any]] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[Chain, list[str]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[Chain, dict[int, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    steps: dict[Chain, list[int]] = field(default_factory=dict)


class ReplyReader:
    """Puts the rows of files together."""

    def __init__(self, job: ReadRepliesJob):
        self.job = job
        self.files = reply_files(job.files)
        self.rows = RowReader(job)
        self.account = Account()
        self._sources: dict[Chain, list[ReplyFile]] = {}  # chain and cycle -> files
        self._doses: dict[Chain, tuple[Any, ...]] = {}  # chain -> doses
        self._chains: list[set[Chain]] = []  # of each file
        self._n = 0  # rows read

    def read(self) -> Account:
        """Read every file.

        Raises `UserError` when no row has a key that the config names, no row at all, or none of a
        listed name, is good, or the numbers of the cycles may be steps.
        """
        account = self.account
        for file in self.files:
            self._read(file)
        print(f"{rows(self._n)} of {len(self.files)} files read, {len(account.bad):,} bad")
        self.rows.check_keys()
        self._number_cycles()
        if not account.replies:
            reasons = counted(row["why"] for row in account.bad) or "the files have no rows"
            raise UserError(f"no row of {len(self.files)} files can be used: {reasons}")
        for name, names in self.rows.listed.items():
            lacking = set(names) - {reply[name] for reply in account.replies}
            if lacking:
                text = f"the config lists the {name} {', '.join(sorted(lacking))}"
                todo = "take that name out of the config, or correct the files or audit.columns"
                raise UserError(f"{text}, and no good row is of it; {todo}")
        for source, files in self._sources.items():
            if len(files) > 1:
                account.parts[source[:-1]][source[-1]] = [file.path for file in files]
        self._note_files()
        return account

    def _read(self, file: ReplyFile) -> None:
        seen, chains = dict.fromkeys(["read", "ok", "empty", "bad"], 0), set()
        for number, row, why in read_rows(Path(file.path)):
            seen["read"] += 1
            self._n += 1
            if self._n % PROGRESS == 0:
                print(f"{rows(self._n)} read, now in {file.path}", flush=True)
            try:
                if row is None:
                    raise BadRowError(why)
                self.rows.look_for_keys(row)
                reply = self.rows.read(row, file.place)
                chains.add(self._fit(reply, file))
            except BadRowError as error:
                seen["bad"] += 1
                self._reject(file, number, row or {}, str(error))
                continue
            status, reason = ("ok", "") if reply["response"].strip() else ("empty", EMPTY)
            seen[status] += 1
            self.account.replies.append({**reply, "status": status, "reason": reason})
        self._chains.append(chains)
        self.account.counts.append({"file": file.path, **seen, **_content(Path(file.path))})

    def _reject(self, file: ReplyFile, number: int, row: Object, why: str) -> None:
        self.account.bad.append({"file": file.path, "line": number, "why": why})
        try:
            place = self.rows.place(row, file.place)
        except BadRowError:
            return  # nothing says which chain has lost it
        self.account.lost[tuple(place[name] for name in CHAIN)].append(why)

    def _fit(self, reply: dict[str, Any], file: ReplyFile) -> Chain:
        """The chain of a row; raises `BadRowError` for one that contradicts those before it."""
        chain = tuple(reply[name] for name in CHAIN)
        files = self._sources.setdefault((*chain, reply["cycle"]), [file])
        if files[-1] is not file:
            if not (files[0].part and file.part):
                rule = "a cycle of a chain is read from one file alone, unless audit.files names "
                rule += "the files by a path with a *, which says that they are its parts"
                cycle = reply["cycle"] + self.job.first_cycle
                raise BadRowError(f"cycle {cycle} of its chain is in {files[0].path}: {rule}")
            files.append(file)
        doses = tuple(reply[name] for name in DOSES)
        if self._doses.setdefault(chain, doses) != doses:
            raise BadRowError(f"its doses are not those of the cell {reply['cell']!r} before it")
        return chain

    def _number_cycles(self) -> None:
        """Make cycles of steps, in their order within a setting and model."""
        replies, first = self.account.replies, self.job.first_cycle
        numbers = {reply["cycle"] for reply in replies}
        kind = self.job.cycles_are
        if kind == "steps" or (kind is None and are_steps(numbers)):
            steps: dict[Chain, set[int]] = defaultdict(set)
            for reply in replies:
                steps[tuple(reply[name] for name in LOOP)].add(reply["cycle"])
            places = {loop: in_order(found) for loop, found in steps.items()}
            for reply in replies:
                reply["cycle"] = places[tuple(reply[name] for name in LOOP)][reply["cycle"]]
            self.account.steps = {
                loop: [step + first for step in sorted(found)] for loop, found in steps.items()
            }
        elif numbers and max(numbers) > LAST_CYCLE:
            raise UserError(
                f"the cycles of the files are {listed(numbers)}: no loop of over {LAST_CYCLE:,} "
                "cycles is audited; where they are training steps, set audit.cycles_are: steps"
            )

    def _note_files(self) -> None:
        """What is wrong with each file as a whole."""
        good = [counts["ok"] + counts["empty"] for counts in self.account.counts]
        most: dict[frozenset[Chain], int] = {}
        for chains, n in zip(self._chains, good, strict=True):
            most[frozenset(chains)] = max(n, most.get(frozenset(chains), 0))
        whys = pd.DataFrame(self.account.bad, columns=BAD).groupby("file")["why"].apply(list)
        for counts, chains, n in zip(self.account.counts, self._chains, good, strict=True):
            own, usual = whys.get(counts["file"], []), most[frozenset(chains)]
            counts["note"] = ""
            if not counts["read"]:
                counts["note"] = "no row"
            elif not n:
                counts["note"] = f"all of {rows(counts['read'])} are bad: {counted(own)}"
            elif counts["bad"] > n:
                share = f"{counts['bad']:,} of {rows(counts['read'])}"
                counts["note"] = f"{share} are bad: {counted(own)}"
            elif 2 * n < usual:
                counts["note"] = f"{rows(n)}, where another file of its chain has {usual:,}"


def _content(path: Path) -> dict[str, Any]:
    """Size and hash of a file; empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"bytes": file.tell(), "sha256": digest}
    except OSError:
        return {"bytes": None, "sha256": ""}


def replies_table(replies: list[dict[str, Any]]) -> pd.DataFrame:
    """One row per reply, with `COLUMNS`.

    replies: see `Account`. question: numbered within a trait. sample: numbered within a question of
    a chain and cycle. trait_score, coherence: the files' own, in points (0-100).
    """
    table = pd.DataFrame(replies)
    questions = table["question"]
    table["question"] = questions.groupby(table["trait"]).transform(
        lambda texts: pd.factorize(texts)[0]
    )
    table["sample"] = table.groupby([*CYCLE, "question"]).cumcount()
    whole = dict.fromkeys(["seed", "cycle", "question", "sample"], "int64")
    numbers = dict.fromkeys([*DOSES, "trait_score", "coherence"], "float64")
    return table.astype({**whole, **numbers})[COLUMNS]
