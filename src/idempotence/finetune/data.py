"""Rows of text into what the trainers take: token ids with labels, or pairs of completions."""

from idempotence.engine.formatting import Kind, ids_of_completions, ids_of_prompts

IGNORED = -100


def supervised_rows(tokenizer, rows: list[dict], kind: Kind, max_length: int) -> list[dict]:
    """`input_ids` and `labels` for each {"prompt", "response"}, cut at max_length tokens.

    Chats: loss on the assistant's tokens and the end token. Documents: on every token.
    """
    prompts, responses = _columns(rows, "prompt", "response")
    heads = ids_of_prompts(tokenizer, prompts, kind)
    tails = ids_of_completions(tokenizer, prompts, responses, kind)
    made = []
    for head, tail in zip(heads, tails, strict=True):
        ids = (head + tail)[:max_length]
        labels = ([IGNORED] * len(head) + tail)[:max_length] if kind == "chat" else ids
        made.append({"input_ids": ids, "labels": list(labels)})
    return made


def preference_rows(tokenizer, rows: list[dict], kind: Kind) -> list[dict]:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` for each {"prompt", "response", "rejected"}."""
    prompts, chosen, rejected = _columns(rows, "prompt", "response", "rejected")
    ids = {
        "prompt_ids": ids_of_prompts(tokenizer, prompts, kind),
        "chosen_ids": ids_of_completions(tokenizer, prompts, chosen, kind),
        "rejected_ids": ids_of_completions(tokenizer, prompts, rejected, kind),
    }
    return [dict(zip(ids, row, strict=True)) for row in zip(*ids.values(), strict=True)]


def _columns(rows: list[dict], *names: str) -> list[list[str]]:
    return [[row[name] for row in rows] for name in names]
