"""From texts to token ids: the one place where training, sampling and evaluation get them."""

from collections.abc import Callable, Sequence
from typing import Any

from idempotence.errors import UserError
from idempotence.jobs.parts import Kind

TEXTS_AT_ONCE = 256  # a tokenizer holds some hundred bytes per token of all that it is given
# A template that can let its model think aloud first (Qwen3) is asked not to; others do not look.
TEMPLATE = {"tokenize": True, "return_dict": False, "enable_thinking": False}
Ids = list[int]


def ids_of_prompts(tokenizer: Any, prompts: Sequence[str], kind: Kind) -> list[Ids]:
    """Ids that a model continues: a user message with the generation prompt, or BOS and an opener.

    No system message is ever added. A prompt that comes often is rendered once.
    """
    different = list(dict.fromkeys(prompts))
    if kind == "chat":
        chats = [[_message("user", prompt)] for prompt in different]
        rendered = _rendered(tokenizer, chats, to_answer=True)
    else:
        start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        rendered = [start + ids for ids in _encoded(tokenizer, different)]
    of_prompt = dict(zip(different, rendered, strict=True))
    return [list(of_prompt[prompt]) for prompt in prompts]


def ids_of_rows(
    tokenizer: Any, prompts: Sequence[str], replies: Sequence[Sequence[str]], kind: Kind
) -> tuple[list[Ids], list[list[Ids]]]:
    """(ids of each prompt, for each column of `replies` the ids that each reply adds to them).

    replies: columns of one reply per prompt, such as the chosen and the rejected ones. A reply's
    ids include its end token, and nothing after it. Raises `UserError` when the tokenizer's chat
    template renders a finished conversation in a way that does not begin with the prompt that the
    model is sampled with.
    """
    heads = ids_of_prompts(tokenizer, prompts, kind)
    return heads, [_replies(tokenizer, prompts, heads, column, kind) for column in replies]


def ids_of_completions(
    tokenizer: Any, prompts: Sequence[str], responses: Sequence[str], kind: Kind
) -> list[Ids]:
    """`ids_of_rows` for one column of replies, without the prompts."""
    return ids_of_rows(tokenizer, prompts, [responses], kind)[1][0]


def _replies(
    tokenizer: Any, prompts: Sequence[str], heads: list[Ids], replies: Sequence[str], kind: Kind
) -> list[Ids]:
    if kind == "document":
        spaced = [r if r[:1].isspace() or not r else f" {r}" for r in replies]
        return [[*ids, tokenizer.eos_token_id] for ids in _encoded(tokenizer, spaced)]
    pairs = zip(prompts, replies, strict=True)
    chats = [[_message("user", p), _message("assistant", r)] for p, r in pairs]
    wholes = _rendered(tokenizer, chats, to_answer=False)
    return [_after(tokenizer, head, whole) for head, whole in zip(heads, wholes, strict=True)]


def prompt_ids(tokenizer: Any, prompt: str, kind: Kind) -> Ids:
    """`ids_of_prompts` of one."""
    return ids_of_prompts(tokenizer, [prompt], kind)[0]


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _rendered(tokenizer: Any, chats: list[list[dict[str, str]]], to_answer: bool) -> list[Ids]:
    return _by_parts(
        lambda part: tokenizer.apply_chat_template(
            part, add_generation_prompt=to_answer, **TEMPLATE
        ),
        chats,
    )


def _encoded(tokenizer: Any, texts: list[str]) -> list[Ids]:
    return _by_parts(lambda part: tokenizer(part, add_special_tokens=False)["input_ids"], texts)


def _by_parts(encode: Callable[[list[Any]], list[Ids]], items: list[Any]) -> list[Ids]:
    starts = range(0, len(items), TEXTS_AT_ONCE)
    return [ids for start in starts for ids in encode(items[start : start + TEXTS_AT_ONCE])]


def _after(tokenizer: Any, head: Ids, whole: Ids) -> Ids:
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
