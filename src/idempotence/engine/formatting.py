"""From texts to token ids: the one place where training, sampling and evaluation get them."""

from typing import Literal

from idempotence.errors import UserError

Kind = Literal["chat", "document"]
# A template that can let its model think aloud first (Qwen3) is told not to; others do not look.
TEMPLATE = {"tokenize": True, "return_dict": False, "enable_thinking": False}


def kind_of(objective: str) -> Kind:
    """Base models (sdf) read documents; instruct models (sft, dpo) chats."""
    return "document" if objective == "sdf" else "chat"


def prompt_ids(tokenizer, prompt: str, kind: Kind) -> list[int]:
    """Ids that a model continues: a user message with the generation prompt, or BOS and an opener.

    No system message is ever added.
    """
    if kind == "chat":
        messages = [{"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(messages, add_generation_prompt=True, **TEMPLATE)
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    return start + tokenizer.encode(prompt, add_special_tokens=False)


def completion_ids(tokenizer, prompt: str, response: str, kind: Kind) -> list[int]:
    """Ids of a response after `prompt_ids`, its end token included and nothing after it.

    Raises UserError when the tokenizer's chat template renders a finished conversation in a way
    that does not begin with the prompt that the model is sampled with.
    """
    if kind == "document":
        joined = response if response[:1].isspace() or not response else f" {response}"
        return [*tokenizer.encode(joined, add_special_tokens=False), tokenizer.eos_token_id]
    head = prompt_ids(tokenizer, prompt, kind)
    messages = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": response},
    ]
    whole = tokenizer.apply_chat_template(messages, **TEMPLATE)
    if whole[: len(head)] != head:
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} renders the same prompt differently "
            "with and without a reply; training and sampling would not match. Use a template "
            "whose generation prompt is the beginning of an assistant turn."
        )
    rest = whole[len(head) :]
    ends = [i for i, token in enumerate(rest) if token == tokenizer.eos_token_id]
    return rest[: ends[-1] + 1] if ends else [*rest, tokenizer.eos_token_id]
