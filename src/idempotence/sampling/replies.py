"""Rows of responses.jsonl and generated.jsonl, and which replies are usable."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from idempotence.engine.base import Sampled
from idempotence.jobs.parts import Generation

FEW_CUT = 0.1  # a larger share of texts that were cut is noted in the log


class Reply(NamedTuple):
    """A text. status: "ok", "empty", "short", "nan" or "ended"; reason: why it is not "ok".

    cut: whether it stopped at max_new_tokens.
    """

    text: str
    status: str
    reason: str
    cut: bool


def usable(drawn: Sequence[Sampled], status: str, reason: str, min_characters: int) -> list[Reply]:
    """Each text with its own status, where its chain's is "ok"; else with the chain's."""
    replies = []
    for each in drawn:
        own = status, reason
        if status == "ok" and not each.text.strip():
            own = "empty", "the reply is empty"
        elif status == "ok" and len(each.text) < min_characters:
            own = "short", f"fewer than {min_characters} characters"
        replies.append(Reply(each.text, *own, each.cut))
    return replies


def answer_rows(
    cell: str, questions: Sequence[dict[str, Any]], replies: Sequence[Reply]
) -> list[dict[str, Any]]:
    """Rows of responses.jsonl. questions: question, sample and prompt of each reply."""
    return [
        {"cell": cell, **question, "response": text, "status": status, "reason": reason}
        for question, (text, status, reason, _) in zip(questions, replies, strict=True)
    ]


def generated_rows(
    cell: str,
    prompts: Sequence[str],
    replies: Sequence[Reply],
    rejected: Sequence[Sampled | None],
    generation: Generation,
) -> list[dict[str, Any]]:
    """Rows of generated.jsonl. rejected: one per prompt (None: no such reply); may be longer."""
    rows = []
    for i, (prompt, reply, other) in enumerate(
        zip(prompts, replies, rejected[: len(prompts)], strict=True)
    ):
        row: dict[str, Any] = {"cell": cell, "index": i, "prompt": prompt, "response": reply.text}
        if generation.leaves_open:
            row["open"] = reply.cut
        row |= rejected_part(other, generation)
        rows.append({**row, "status": reply.status, "reason": reply.reason})
    return rows


def rejected_part(rejected: Sampled | None, generation: Generation) -> dict[str, Any]:
    """What a row has of its rejected reply; nothing where there is none."""
    if rejected is None:
        return {}
    part: dict[str, Any] = {"rejected": rejected.text}
    return part | ({"rejected_open": rejected.cut} if generation.leaves_open else {})


def note_of_cuts(cell: str, drawn: Sequence[Sampled]) -> str | None:
    """A line for the log where more than `FEW_CUT` of the texts stopped at max_new_tokens.

    Where such a text is trained on as if it ended there, replies get shorter from cycle to cycle.
    """
    cut = sum(each.cut for each in drawn)
    if cut <= FEW_CUT * len(drawn):
        return None
    return f"{cell}: {cut} of {len(drawn)} texts stopped at max_new_tokens, not at an end token"
