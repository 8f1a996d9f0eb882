"""All files of an audit as one table of replies, with an account of every row."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from idempotence.audit.lines import read_lines
from idempotence.audit.paths import ReplyFile, reply_files
from idempotence.audit.rows import BadRowError, RowReader
from idempotence.doses import DOSES
from idempotence.errors import UserError
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.scores.schema import CHAIN

CYCLE = [*CHAIN, "cycle"]
COLUMNS = [
    "setting", "model", "trait", "seed", "cell", *DOSES, "cycle", "question", "sample", "prompt",
    "response", "one_turn", "status", "reason", "trait_score", "coherence",
]  # fmt: skip
COUNTS = ["file", "read", "ok", "empty", "bad", "bytes", "sha256"]
BAD = ["file", "line", "why"]
EMPTY = "the reply is empty"
SHOWN = 3  # reasons in a message


@dataclass
class Account:
    """What became of the rows of all files.

    replies: see `RowReader.read`, with status ("ok", "empty") and reason. counts: rows of each
    file (`COUNTS`). bad: rows that cannot be used (`BAD`).
    """

    replies: list[dict[str, Any]] = field(default_factory=list)
    counts: list[dict[str, Any]] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)


class ReplyReader:
    """Puts the rows of files together."""

    def __init__(self, job: ReadRepliesJob):
        self.files = reply_files(job.files)
        self.rows = RowReader(job)
        self.account = Account()
        self._source: dict[tuple[Any, ...], ReplyFile] = {}  # chain and cycle -> first file
        self._doses: dict[tuple[Any, ...], tuple[Any, ...]] = {}  # chain -> doses

    def read(self) -> Account:
        """Read every file.

        Raises `UserError` when no row at all, or none of a listed name, is good.
        """
        for file in self.files:
            self._read(file)
        if not self.account.replies:
            whys = Counter(row["why"] for row in self.account.bad).most_common(SHOWN)
            reasons = "; ".join(f"{why} ({n} times)" for why, n in whys) or "the files have no rows"
            raise UserError(f"no row of {len(self.files)} files can be used: {reasons}")
        for name, listed in self.rows.listed.items():
            lacking = set(listed) - {reply[name] for reply in self.account.replies}
            if lacking:
                names = f"the config lists the {name} {', '.join(sorted(lacking))}"
                raise UserError(f"{names}, and no good row is of it; leave it out, or look for why")
        return self.account

    def _read(self, file: ReplyFile) -> None:
        seen = Counter(read=0, ok=0, empty=0, bad=0)
        for number, row, why in read_lines(Path(file.path)):
            seen["read"] += 1
            try:
                if row is None:
                    raise BadRowError(why)
                reply = self.rows.read(row, file.place)
                self._fit(reply, file)
            except BadRowError as error:
                seen["bad"] += 1
                place = {"file": file.path, "line": number}
                self.account.bad.append({**place, "why": str(error)})
                continue
            status, reason = ("ok", "") if reply["response"].strip() else ("empty", EMPTY)
            seen[status] += 1
            self.account.replies.append({**reply, "status": status, "reason": reason})
        self.account.counts.append({"file": file.path, **seen, **_content(Path(file.path))})

    def _fit(self, reply: dict[str, Any], file: ReplyFile) -> None:
        """Raise `BadRowError` for a row that contradicts those before it."""
        chain = tuple(reply[name] for name in CHAIN)
        first = self._source.setdefault((*chain, reply["cycle"]), file)
        if first is not file and not (first.part and file.part):
            rule = "one file of a chain and cycle is taken, unless the path has a * for its parts"
            raise BadRowError(f"cycle {reply['cycle']} of its chain is in {first.path}: {rule}")
        doses = tuple(reply[name] for name in DOSES)
        if self._doses.setdefault(chain, doses) != doses:
            raise BadRowError(f"its doses are not those of the cell {reply['cell']!r} before it")


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


def chains_table(replies: pd.DataFrame, from_cycle: int) -> pd.DataFrame:
    """One row per chain: which cycles there are, and what stands in the way of its verdict.

    replies: see `replies_table`; from_cycle: the rule's first cycle. Returns `CHAIN`, cycles and
    missing (numbers), replies (of all cycles), fewest and most (of a cycle), prompts_kept (share of
    the replies after cycle 0 whose question stands at cycle 0 as well), warnings.
    """
    return pd.DataFrame(
        [
            {**dict(zip(CHAIN, key, strict=True)), **_chain(group, from_cycle)}
            for key, group in replies.groupby(CHAIN)
        ]
    )


def _chain(group: pd.DataFrame, from_cycle: int) -> dict[str, Any]:
    sizes = group.groupby("cycle").size()
    missing = [cycle for cycle in range(sizes.index.max() + 1) if cycle not in sizes.index]
    later = group[group["cycle"] > 0]
    kept = later["question"].isin(group.loc[group["cycle"] == 0, "question"]).mean()
    warnings = []
    if 0 in missing:
        warnings.append("no cycle 0: no verdict")
    elif sizes.index.max() < from_cycle:
        warnings.append(f"ends before cycle {from_cycle}: no verdict")
    if [cycle for cycle in missing if cycle]:
        warnings.append("cycles are missing between others")
    if 0 not in missing and kept < 1:
        warnings.append(
            "some later questions are not among those of cycle 0: changes mix in theirs"
        )
    if sizes.min() < sizes.max():
        warnings.append("cycles differ in their number of replies")
    return {
        "cycles": " ".join(map(str, sizes.index)), "missing": " ".join(map(str, missing)),
        "replies": len(group), "fewest": sizes.min(), "most": sizes.max(), "prompts_kept": kept,
        "warnings": "; ".join(warnings),
    }  # fmt: skip
