"""From texts to token ids: the one place where training, sampling and evaluation get them.

Ids of a row are those of the templated prompt, those of the reply encoded apart, and the turn's
end. So a reply is trained on behind the very ids that it was sampled behind, whatever the template
does with finished turns, and whatever a tokenizer would join across the seam.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from idempotence.engine.chat_template import rendered_chats
from idempotence.engine.plain_text import PlainText, plain_text
from idempotence.errors import UserError
from idempotence.objectives import Kind

TEXTS_AT_ONCE = 256  # a tokenizer holds some hundred bytes per token of all that it is given
SAMPLE_REPLY = "Reply"  # stands for any reply where a template's end of a turn is looked for
Ids = list[int]


def ids_of_prompts(tokenizer: Any, prompts: Sequence[str], kind: Kind) -> list[Ids]:
    """Ids that a model continues: a user message with the generation prompt, or BOS and an opener.

    No system message is ever added. A prompt that comes often is rendered once. Control tokens
    that a prompt holds as text are encoded as text. Raises `UserError` where there is no chat
    template that can render a user message.
    """
    different, plain = list(dict.fromkeys(prompts)), plain_text(tokenizer)
    if kind == "chat":
        ids = _by_parts(lambda part: _encoded_chats(tokenizer, plain, part), different)
    else:
        start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
        ids = (start + own for own in _by_parts(plain.encode, different))
    of_prompt = dict(zip(different, ids, strict=True))
    return [list(of_prompt[prompt]) for prompt in prompts]


def ids_of_rows(
    tokenizer: Any, prompts: Sequence[str], replies: Sequence[Sequence[str]], kind: Kind
) -> tuple[list[Ids], list[list[Ids]]]:
    """(ids of each prompt, for each column of `replies` the ids that each reply adds to them).

    replies: columns of one reply per prompt, such as the chosen and the rejected ones. A reply's
    ids are those of its text alone, whatever its prompt, and the end token. Raises `UserError` as
    `ids_of_prompts`.
    """
    end = end_of_turn(tokenizer) if kind == "chat" else tokenizer.eos_token_id
    heads, plain = ids_of_prompts(tokenizer, prompts, kind), plain_text(tokenizer)
    tails = []
    for column in replies:
        texts = column if kind == "chat" else [_spaced(text) for text in column]
        tails.append([[*ids, end] for ids in _by_parts(plain.encode, texts)])
    return heads, tails


def ids_of_completions(
    tokenizer: Any, prompts: Sequence[str], responses: Sequence[str], kind: Kind
) -> list[Ids]:
    """`ids_of_rows` for one column of replies, without the prompts."""
    return ids_of_rows(tokenizer, prompts, [responses], kind)[1][0]


def prompt_ids(tokenizer: Any, prompt: str, kind: Kind) -> Ids:
    """`ids_of_prompts` of one."""
    return ids_of_prompts(tokenizer, [prompt], kind)[0]


def end_of_turn(tokenizer: Any) -> int:
    """The id that ends a reply in a chat: the first special token that the template puts behind it.

    The tokenizer's own end token where the template puts none. Raises `UserError` where the
    template cannot render a reply, or leaves it out.
    """
    chat = [_message("user", "Prompt"), _message("assistant", SAMPLE_REPLY)]
    (text,) = rendered_chats(tokenizer, [chat], to_answer=False)
    _, reply, behind = text.rpartition(SAMPLE_REPLY)
    if not reply:
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} leaves out the assistant's messages, "
            "so that no reply can be trained on; use a model whose template renders them"
        )
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = tokenizer([behind], add_special_tokens=False)["input_ids"][0]
    return next((token for token in ids if token in special), tokenizer.eos_token_id)


def _encoded_chats(tokenizer: Any, plain: PlainText, prompts: list[str]) -> list[Ids]:
    chats = [[_message("user", plain.mark(prompt))] for prompt in prompts]
    return plain.encode_chats(rendered_chats(tokenizer, chats, to_answer=True))


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _spaced(text: str) -> str:
    """A document's text as it goes on from its opener."""
    return text if text[:1].isspace() or not text else f" {text}"


def _by_parts(encode: Callable[[list[str]], list[Ids]], texts: Sequence[str]) -> Iterator[Ids]:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        yield from encode(list(texts[start : start + TEXTS_AT_ONCE]))
