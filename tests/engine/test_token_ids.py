"""The ids of prompts and replies are the same alone and together, whatever the template."""

import pytest

pytest.importorskip("torch")

from make_models import make_tokenizer
from make_training import ROWS, make_micro_model

from idempotence.engine.formatting import ids_of_completions, ids_of_prompts, prompt_ids
from idempotence.engine.models import Weights, load_tokenizer

pytestmark = pytest.mark.slow


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


THINKS = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)


def test_a_template_that_can_think_is_told_not_to():
    tokenizer = make_tokenizer(bos=False)
    plain = completion_ids(tokenizer, "How are you?", "Well.", "chat")
    tokenizer.chat_template = THINKS
    assert tokenizer.decode(prompt_ids(tokenizer, "Hi", "chat")).endswith("</think>\n\n")
    assert completion_ids(tokenizer, "How are you?", "Well.", "chat") == plain
