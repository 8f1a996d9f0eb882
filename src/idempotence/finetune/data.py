"""Rows of text into what the trainers take: token ids with labels, or pairs of completions."""

from idempotence.engine.formatting import Kind, completion_ids, prompt_ids

IGNORED = -100


def supervised_rows(tokenizer, rows: list[dict], kind: Kind, max_length: int) -> list[dict]:
    """`input_ids` and `labels` for each {"prompt", "response"}, cut at max_length tokens.

    Chats: loss on the assistant's tokens and the end token. Documents: on every token.
    """
    made = []
    for row in rows:
        head = prompt_ids(tokenizer, row["prompt"], kind)
        tail = completion_ids(tokenizer, row["prompt"], row["response"], kind)
        ids = (head + tail)[:max_length]
        labels = ([IGNORED] * len(head) + tail)[:max_length] if kind == "chat" else ids
        made.append({"input_ids": ids, "labels": list(labels)})
    return made


def preference_rows(tokenizer, rows: list[dict], kind: Kind) -> list[dict]:
    """`prompt_ids`, `chosen_ids`, `rejected_ids` for each {"prompt", "response", "rejected"}."""
    return [
        {
            "prompt_ids": prompt_ids(tokenizer, row["prompt"], kind),
            "chosen_ids": completion_ids(tokenizer, row["prompt"], row["response"], kind),
            "rejected_ids": completion_ids(tokenizer, row["prompt"], row["rejected"], kind),
        }
        for row in rows
    ]
