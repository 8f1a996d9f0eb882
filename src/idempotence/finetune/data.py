"""Rows of text into what the trainers take: token ids with labels, or pairs of completions."""

from collections.abc import Sequence
from typing import Any

from idempotence.engine.formatting import ids_of_prompts, ids_of_rows
from idempotence.objectives import Kind

IGNORED = -100  # label of a token without loss


def supervised_rows(
    tokenizer: Any, rows: Sequence[dict], kind: Kind, max_length: int
) -> list[dict[str, list[int]]]:
    """`input_ids` and `labels` for each {"prompt", "response"}, cut at max_length tokens.

    Chats: loss on the assistant's tokens and the end token. Documents: on every token. A row whose
    "open" is true has no end token.
    """
    prompts, responses = _columns(rows, "prompt", "response")
    heads, (tails,) = ids_of_rows(tokenizer, prompts, [responses], kind)
    encoded = []
    for head, tail in zip(heads, _without_ends(tails, rows, "open"), strict=True):
        ids = (head + tail)[:max_length]
        labels = ([IGNORED] * len(head) + tail)[:max_length] if kind == "chat" else list(ids)
        encoded.append({"input_ids": ids, "labels": labels})
    return encoded


def trainable(tokenizer: Any, rows: Sequence[dict], kind: Kind, max_length: int) -> list[dict]:
    """The rows of which something is trained on, cut at max_length tokens.

    Of a chat only the reply is, and the prompt may take all the tokens.
    """
    if kind == "document":
        return list(rows) if max_length > 1 else []  # the first token is no target
    heads = ids_of_prompts(tokenizer, [row["prompt"] for row in rows], kind)
    return [row for row, head in zip(rows, heads, strict=True) if len(head) < max_length]


def preference_rows(tokenizer: Any, rows: Sequence[dict], kind: Kind) -> list[dict[str, list[int]]]:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` for each {"prompt", "response", "rejected"}.

    A response whose row has "open", or a rejected one with "rejected_open", has no end token.
    """
    prompts, *replies = _columns(rows, "prompt", "response", "rejected")
    heads, (chosen, rejected) = ids_of_rows(tokenizer, prompts, replies, kind)
    chosen = _without_ends(chosen, rows, "open")
    rejected = _without_ends(rejected, rows, "rejected_open")
    return [
        {"prompt_ids": head, "chosen_ids": one, "rejected_ids": other}
        for head, one, other in zip(heads, chosen, rejected, strict=True)
    ]


def _without_ends(tails: list[list[int]], rows: Sequence[dict], flag: str) -> list[list[int]]:
    """Completions without their last token where the row's flag is true: such texts were cut."""
    return [tail[:-1] if row.get(flag) else tail for tail, row in zip(tails, rows, strict=True)]


def _columns(rows: Sequence[dict], *names: str) -> list[list[str]]:
    return [[row[name] for row in rows] for name in names]
