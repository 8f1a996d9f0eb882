"""Rows of responses.jsonl and generated.jsonl, and which replies are usable."""

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from idempotence.engine.base import Request, Sampled

FEW_CUT = 0.1  # a larger share of texts that were cut is noted in the log


class Reply(NamedTuple):
    """A text. status: "ok", "empty", "short", "nan" or "ended"; reason: why it is not "ok"."""

    text: str
    status: str
    reason: str


def usable(texts: Sequence[str], status: str, reason: str, min_characters: int) -> list[Reply]:
    """Each text with its own status, where its chain's is "ok"; else with the chain's."""
    replies = []
    for text in texts:
        if status != "ok":
            replies.append(Reply(text, status, reason))
        elif not text.strip():
            replies.append(Reply(text, "empty", "the reply is empty"))
        elif len(text) < min_characters:
            replies.append(Reply(text, "short", f"fewer than {min_characters} characters"))
        else:
            replies.append(Reply(text, "ok", ""))
    return replies


def answer_rows(
    cell: str, questions: Sequence[dict[str, Any]], replies: Sequence[Reply]
) -> list[dict[str, Any]]:
    """Rows of responses.jsonl. questions: question, sample and prompt of each reply."""
    return [
        {"cell": cell, **question, "response": text, "status": status, "reason": reason}
        for question, (text, status, reason) in zip(questions, replies, strict=True)
    ]


def generated_rows(
    cell: str, prompts: Sequence[str], replies: Sequence[Reply], rejected: Sequence[str | None]
) -> list[dict[str, Any]]:
    """Rows of generated.jsonl. rejected: one per prompt (None: no such reply); may be longer."""
    rows = []
    for i, (prompt, (text, status, reason)) in enumerate(zip(prompts, replies, strict=True)):
        row: dict[str, Any] = {"cell": cell, "index": i, "prompt": prompt, "response": text}
        if rejected[i] is not None:
            row["rejected"] = rejected[i]
        rows.append({**row, "status": status, "reason": reason})
    return rows


def note_of_cuts(
    cell: str, requests: Sequence[Request], drawn: Sequence[Sampled], ends: Container[int]
) -> str | None:
    """A line for the log where more than `FEW_CUT` of the texts stopped at max_new_tokens.

    ends: ids at which a text ends. Such a text is trained on as if it ended there, so replies get
    shorter from cycle to cycle.
    """
    cut = sum(
        len(each.tokens) >= request.max_new_tokens and each.tokens[-1] not in ends
        for request, each in zip(requests, drawn, strict=True)
        if each.tokens
    )
    if cut <= FEW_CUT * len(drawn):
        return None
    return f"{cell}: {cut} of {len(drawn)} texts stopped at max_new_tokens, not at an end token"
