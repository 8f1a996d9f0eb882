"""The chains of an audit: their cycles, and what stands in the way of their verdicts."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from idempotence.audit.cycles import listed, ranges
from idempotence.audit.read import LOOP, Account
from idempotence.audit.reasons import counted, rows
from idempotence.scores.schema import CHAIN

FILES = 4  # in a note


@dataclass(frozen=True)
class Rule:
    """What a verdict needs: from_cycle, the first cycle that is looked at; least, replies of a
    cycle that counts; first_cycle: number of the seeded model in the files."""

    from_cycle: int
    least: int
    first_cycle: int = 0


def chains_table(replies: pd.DataFrame, rule: Rule, account: Account) -> pd.DataFrame:
    """One row per chain: which cycles there are, and what stands in the way of its verdict.

    replies: see `read.replies_table`. Returns `CHAIN`, cycles and missing (as "0-3, 5"), replies
    (of all cycles), fewest and most (of a cycle), bad (rows that are known to be of the chain),
    prompts_kept (share of the replies after cycle 0 whose question stands at cycle 0 as well),
    warnings. A chain all of whose rows are bad has no replies and a warning.
    """
    lowest = int(replies["cycle"].min())
    counted_from = min((s[0] for s in account.steps.values()), default=lowest + rule.first_cycle)
    start = counted_from if lowest > 0 else None
    table, present = [], set()
    for key, group in replies.groupby(CHAIN):
        present.add(key)
        identity = dict(zip(CHAIN, key, strict=True))
        notes = [
            *_numbering(account.steps.get(tuple(identity[name] for name in LOOP)), rule),
            *_cycles(group, rule, start),
            *_sizes(group.groupby("cycle").size(), rule.least),
            *_parts(account.parts.get(key, {})),
        ]
        row = {**identity, **_chain(group), "bad": len(account.lost.get(key, []))}
        table.append({**row, "warnings": "; ".join(notes)})
    for chain, whys in account.lost.items():
        if chain not in present:
            none = {"cycles": "", "missing": "", "replies": 0, "fewest": 0, "most": 0,
                    "bad": len(whys), "prompts_kept": float("nan")}  # fmt: skip
            warning = f"not audited, its {rows(len(whys))} are bad: {counted(whys)}"
            table.append({**dict(zip(CHAIN, chain, strict=True)), **none, "warnings": warning})
    columns = [*CHAIN, "cycles", "missing", "replies", "fewest", "most", "bad", "prompts_kept",
               "warnings"]  # fmt: skip
    return pd.DataFrame(table)[columns].sort_values(CHAIN, ignore_index=True)


def _missing(cycles: pd.Index) -> list[int]:
    return [cycle for cycle in range(cycles.max() + 1) if cycle not in cycles]


def _kept(group: pd.DataFrame) -> float:
    """Share of the later replies whose question stands at cycle 0; NaN without later ones."""
    later = group[group["cycle"] > 0]
    first = group.loc[group["cycle"] == 0, "question"]
    return float(later["question"].isin(first).mean())


def _chain(group: pd.DataFrame) -> dict[str, Any]:
    sizes = group.groupby("cycle").size()
    return {
        "cycles": ranges(sizes.index), "missing": ranges(_missing(sizes.index)),
        "replies": len(group), "fewest": sizes.min(), "most": sizes.max(),
        "prompts_kept": _kept(group),
    }  # fmt: skip


def _numbering(steps: list[int] | None, rule: Rule) -> list[str]:
    """What cycle 0 and the others are in the files, where it is not the same."""
    if steps is None:
        return [f"cycle {rule.first_cycle} of the files is cycle 0 here"] * bool(rule.first_cycle)
    undo = "if the files number cycles, not steps, set audit.cycles_are: cycles"
    return [f"training steps {listed(steps)} are taken as cycles in that order ({undo})"]


def _cycles(group: pd.DataFrame, rule: Rule, start: int | None) -> list[str]:
    """Cycles that are lacking; start: the files' lowest number, if no chain has a cycle 0."""
    cycles = pd.Index(group["cycle"].unique())
    missing, notes = _missing(cycles), []
    if 0 in missing:
        hint = f"; if the files count from {start}, set audit.first_cycle: {start}"
        notes.append(f"no cycle 0: no verdict{hint * (start is not None)}")
    elif cycles.max() < rule.from_cycle:
        notes.append(f"ends before cycle {rule.from_cycle}: no verdict")
    if any(missing):
        notes.append("cycles are missing between others")
    if 0 not in missing and _kept(group) < 1:
        why = "changes of the scores are partly changes of the questions"
        notes.append(f"some later questions were not put at cycle 0: {why}")
    return notes


def _sizes(sizes: pd.Series, least: int) -> list[str]:
    """sizes: replies by cycle."""
    few, most, notes = sizes[sizes < least], sizes.max(), []
    if len(few):
        which = f"cycle{'s' * (len(few) > 1)} {ranges(few.index)}"
        notes.append(f"{which}: fewer than {least} replies (audit.least_replies), not counted")
    if sizes.min() < most:
        fewest = f"{sizes.min():,} at cycle {sizes.idxmin()}, up to {most:,}"
        notes.append(f"cycles differ in their number of replies ({fewest})")
    return notes


def _parts(parts: dict[int, list[str]]) -> list[str]:
    if not parts:
        return []
    files = parts[min(parts)]
    more = f" and {len(files) - FILES} more" if len(files) > FILES else ""
    named = ", ".join(files[:FILES]) + more
    runs = "if these are several runs, put {seed} or {cell} in place of the *"
    return [f"cycles are put together from several files ({named}): {runs}"]
