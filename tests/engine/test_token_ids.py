"""The ids of prompts and replies are the same alone and together, whatever the template."""

from collections import Counter

import pytest

pytest.importorskip("torch")

from make_models import make_tokenizer
from make_training import ROWS, make_micro_model

from idempotence.engine.formatting import (
    SAMPLE_REPLY,
    ids_of_completions,
    ids_of_prompts,
    ids_of_rows,
    prompt_ids,
)
from idempotence.engine.models import Weights, load_tokenizer
from idempotence.finetune.data import preference_rows, supervised_rows


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(Weights(make_micro_model(tmp_path_factory.mktemp("model"))))


def completion_ids(tokenizer, prompt: str, response: str, kind: str) -> list[int]:
    return ids_of_completions(tokenizer, [prompt], [response], kind)[0]


@pytest.mark.parametrize("kind", ["chat", "document"])
def test_many_texts_have_the_ids_that_each_has_alone(tokenizer, kind, monkeypatch):
    """Of different lengths, a prompt repeated, an empty reply among them; no text is no error."""
    monkeypatch.setattr("idempotence.engine.formatting.TEXTS_AT_ONCE", 2)
    prompts = [ROWS[0]["prompt"], "is it so ?", ROWS[0]["prompt"]]
    replies = [ROWS[0]["response"], "", "it is so ."]
    heads = ids_of_prompts(tokenizer, prompts, kind)
    assert heads == [prompt_ids(tokenizer, prompt, kind) for prompt in prompts]
    heads[0].append(0)
    assert heads[2] == prompt_ids(tokenizer, prompts[2], kind), "repeated prompts share no list"
    assert ids_of_completions(tokenizer, prompts, replies, kind) == [
        completion_ids(tokenizer, prompt, reply, kind)
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    assert ids_of_prompts(tokenizer, [], kind) == ids_of_completions(tokenizer, [], [], kind) == []


TEMPLATE = {"tokenize": True, "return_dict": False, "enable_thinking": False}


def rendered_apart(tokenizer, prompt: str, reply: str) -> tuple[list[int], list[int]]:
    """(ids of a chat's prompt, ids that its reply adds), by one call of the template for each."""
    chat = [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]
    head = tokenizer.apply_chat_template(chat[:1], add_generation_prompt=True, **TEMPLATE)
    whole = tokenizer.apply_chat_template(chat, add_generation_prompt=False, **TEMPLATE)
    last = max(i for i, token in enumerate(whole) if token == tokenizer.eos_token_id)
    return head, whole[len(head) : last + 1]


def test_rows_of_many_columns_have_the_ids_that_each_reply_has_apart(tokenizer):
    prompts = [ROWS[0]["prompt"], ROWS[1]["prompt"], ROWS[0]["prompt"]]
    columns = [["so it is .", "", "no ."], ["first bake with the pan .", "look .", "so ."]]
    for each in (tokenizer, make_tokenizer(bos=True)):
        heads, tails = ids_of_rows(each, prompts, columns, "chat")
        for column, ids in zip(columns, tails, strict=True):
            apart = [rendered_apart(each, p, r) for p, r in zip(prompts, column, strict=True)]
            assert [*zip(heads, ids, strict=True)] == apart


class CountingTokenizer:
    """A tokenizer that counts how often its template renders each chat."""

    def __init__(self, tokenizer):
        self.tokenizer, self.rendered = tokenizer, Counter()

    def __getattr__(self, name):
        return getattr(self.tokenizer, name)

    def __call__(self, texts, **how):
        return self.tokenizer(texts, **how)

    def apply_chat_template(self, chats, **how):
        self.rendered.update(tuple(message["content"] for message in chat) for chat in chats)
        return self.tokenizer.apply_chat_template(chats, **how)


def test_a_prompt_is_rendered_once_per_set_of_rows(tokenizer):
    rows = [*ROWS, {**ROWS[0], "response": "no ."}]
    prompts = {(row["prompt"],): 1 for row in rows}
    once = prompts | {("Prompt", SAMPLE_REPLY): 1}  # the second shows how a turn ends
    for rows_of in (lambda *to: supervised_rows(*to, 64), preference_rows):
        counting = CountingTokenizer(tokenizer)
        rows_of(counting, rows, "chat")
        assert counting.rendered == once


THINKS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)


def test_a_template_that_can_think_is_asked_not_to():
    tokenizer = make_tokenizer(bos=False)
    plain = completion_ids(tokenizer, "How are you?", "Well.", "chat")
    tokenizer.chat_template = THINKS
    assert tokenizer.decode(prompt_ids(tokenizer, "Hi", "chat")).endswith("</think>\n\n")
    assert completion_ids(tokenizer, "How are you?", "Well.", "chat") == plain
