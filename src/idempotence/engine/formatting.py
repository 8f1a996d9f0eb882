"""From texts to token ids: the one place where training, sampling and evaluation get them."""

from collections.abc import Callable, Sequence
from typing import Literal

from idempotence.errors import UserError

Kind = Literal["chat", "document"]
TEXTS_AT_ONCE = 256  # a tokenizer holds some hundred bytes a token of all that it is given
# A template that can let its model think aloud first (Qwen3) is told not to; others do not look.
TEMPLATE = {"tokenize": True, "return_dict": False, "enable_thinking": False}


def kind_of(objective: str) -> Kind:
    """Base models (sdf) read documents; instruct models (sft, dpo) chats."""
    return "document" if objective == "sdf" else "chat"


def ids_of_prompts(tokenizer, prompts: Sequence[str], kind: Kind) -> list[list[int]]:
    """Ids that a model continues: a user message with the generation prompt, or BOS and an opener.

    No system message is ever added. A prompt that is asked often is rendered once.
    """
    different = list(dict.fromkeys(prompts))
    if kind == "chat":
        found = _rendered(tokenizer, [[_said("user", p)] for p in different], to_answer=True)
    else:
        start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        found = [start + ids for ids in _encoded(tokenizer, different)]
    known = dict(zip(different, found, strict=True))
    return [list(known[prompt]) for prompt in prompts]


def ids_of_completions(
    tokenizer, prompts: Sequence[str], responses: Sequence[str], kind: Kind
) -> list[list[int]]:
    """Ids of each response after its prompt's, its end token included and nothing after it.

    Raises UserError when the tokenizer's chat template renders a finished conversation in a way
    that does not begin with the prompt that the model is sampled with.
    """
    if kind == "document":
        spaced = [r if r[:1].isspace() or not r else f" {r}" for r in responses]
        return [[*ids, tokenizer.eos_token_id] for ids in _encoded(tokenizer, spaced)]
    heads = ids_of_prompts(tokenizer, prompts, kind)
    pairs = zip(prompts, responses, strict=True)
    chats = [[_said("user", p), _said("assistant", r)] for p, r in pairs]
    wholes = _rendered(tokenizer, chats, to_answer=False)
    return [_after(tokenizer, head, whole) for head, whole in zip(heads, wholes, strict=True)]


def prompt_ids(tokenizer, prompt: str, kind: Kind) -> list[int]:
    """`ids_of_prompts` of one."""
    return ids_of_prompts(tokenizer, [prompt], kind)[0]


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _rendered(tokenizer, chats: list[list[dict]], to_answer: bool) -> list[list[int]]:
    return _by_parts(
        lambda part: tokenizer.apply_chat_template(
            part, add_generation_prompt=to_answer, **TEMPLATE
        ),
        chats,
    )


def _encoded(tokenizer, texts: list[str]) -> list[list[int]]:
    return _by_parts(lambda part: tokenizer(part, add_special_tokens=False)["input_ids"], texts)


def _by_parts(encode: Callable[[list], list[list[int]]], items: list) -> list[list[int]]:
    starts = range(0, len(items), TEXTS_AT_ONCE)
    return [ids for start in starts for ids in encode(items[start : start + TEXTS_AT_ONCE])]


def _after(tokenizer, head: list[int], whole: list[int]) -> list[int]:
    """What a conversation adds to its prompt, up to its last end token."""
    if whole[: len(head)] != head:
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} renders the same prompt differently "
            "with and without a reply; training and sampling would not match. Use a template "
            "whose generation prompt is the beginning of an assistant turn."
        )
    rest = whole[len(head) :]
    ends = [i for i, token in enumerate(rest) if token == tokenizer.eos_token_id]
    return rest[: ends[-1] + 1] if ends else [*rest, tokenizer.eos_token_id]
