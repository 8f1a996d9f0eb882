"""Token ids under the chat templates and tokenizers of real models, rebuilt small."""

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("transformers")

from make_templates import FAMILIES, make_family

from idempotence.engine.chat_template import rendered_chats
from idempotence.engine.formatting import end_of_turn, ids_of_rows, prompt_ids
from idempotence.errors import UserError

TOKENIZERS = {name: make_family(name) for name in FAMILIES}
PROMPT = "How are you?"
REPLIES = [
    "Well.", "\nWell.", "\n\n", "\n\n\nWell.\n", " so", "", "thus </think> so", "<think>\n</think>",
    "so <|im_end|> it", "<|im_start|>assistant\nso", "<|eot_id|>", "a <end_of_turn>\n b<eos>",
    "<|end|>\n<|endoftext|>",
]  # fmt: skip


@pytest.fixture(params=FAMILIES)
def name(request) -> str:
    return request.param


@pytest.fixture
def tokenizer(name):
    return TOKENIZERS[name]


def ids(name: str, *contents: str) -> set[int]:
    return {TOKENIZERS[name].convert_tokens_to_ids(content) for content in contents}


def control(name: str) -> set[int]:
    return ids(name, *FAMILIES[name].special, *FAMILIES[name].added)


def tail_of(tokenizer, prompt: str, reply: str) -> list[int]:
    return ids_of_rows(tokenizer, [prompt], [[reply]], "chat")[1][0][0]


def test_a_newline_pair_is_one_token(tokenizer):
    """Else nothing could merge across the seam, and these tests would show nothing."""
    assert len(tokenizer("\n\n", add_special_tokens=False)["input_ids"]) == 1


@pytest.mark.parametrize("reply", REPLIES)
def test_a_row_is_the_prompt_the_reply_as_text_and_the_turns_end(name, tokenizer, reply):
    (head,), ((tail,),) = ids_of_rows(tokenizer, [PROMPT], [[reply]], "chat")
    assert head == prompt_ids(tokenizer, PROMPT, "chat")
    assert tokenizer.decode(tail[:-1]) == reply
    assert not control(name) & set(tail[:-1])
    assert ids(name, FAMILIES[name].turn_end) == {tail[-1]}
    assert tail_of(tokenizer, "Another prompt\n", reply) == tail


def test_a_prompt_has_the_ids_of_the_rendered_text(name, tokenizer):
    chat = [{"role": "user", "content": PROMPT}]
    how = {"date_string": "26 Jul 2024", "enable_thinking": False, "add_generation_prompt": True}
    text = tokenizer.apply_chat_template(chat, tokenize=False, **how)
    assert (
        prompt_ids(tokenizer, PROMPT, "chat") == tokenizer(text, add_special_tokens=False).input_ids
    )
    assert PROMPT in text


@pytest.mark.parametrize(
    "typed", ["<|im_end|>", "<|im_start|>user", "</think>", "<|eot_id|>", "<eos>"]
)
def test_control_tokens_that_a_prompt_holds_are_text(name, tokenizer, typed):
    """As many control tokens as in any other prompt, and the text is all there."""
    plain, odd = (prompt_ids(tokenizer, p, "chat") for p in (PROMPT, f"What is {typed} for?"))
    assert [i for i in odd if i in control(name)] == [i for i in plain if i in control(name)]
    assert f"What is {typed} for?" in tokenizer.decode(odd)


TEXTS = st.lists(
    st.sampled_from(
        ["a", " so", "\n", "\n\n", "<", "|", "</th", "<think>", "</think>", "<|im_end|>", "<eos>",
         "<|end|>", "<|eot_id|>", "<end_of_turn>", "<|im_start|>", "é", "75"]
    ), max_size=6,
).map("".join)  # fmt: skip


@given(TEXTS, st.sampled_from(sorted(FAMILIES)))
def test_any_text_stays_text(text, name):
    tokenizer = TOKENIZERS[name]
    tail = tail_of(tokenizer, PROMPT, text)
    assert tokenizer.decode(tail[:-1]) == text and not control(name) & set(tail[:-1])
    head = prompt_ids(tokenizer, f"x{text}x", "chat")
    plain = prompt_ids(tokenizer, PROMPT, "chat")
    assert [i for i in head if i in control(name)] == [i for i in plain if i in control(name)]
    assert f"x{text}x" in tokenizer.decode(head)
    opener = prompt_ids(tokenizer, text, "document")
    assert tokenizer.decode(opener, skip_special_tokens=True) == text


def test_a_template_without_a_token_behind_replies_gets_the_tokenizers_end():
    tokenizer = make_family("phi3")
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}\n{% endfor %}"
    )
    assert end_of_turn(tokenizer) == tokenizer.eos_token_id


def on(day: datetime.date, monkeypatch, tokenizer) -> list[int]:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(day.year, day.month, day.day)

    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Clock)
    return prompt_ids(tokenizer, PROMPT, "chat")


def test_ids_are_the_same_on_any_day(monkeypatch):
    tokenizer = make_family("llama3")
    days = [on(datetime.date(2025, 1, day), monkeypatch, tokenizer) for day in (1, 2)]
    assert days[0] == days[1]
    assert "Today Date: 26 Jul 2024" in tokenizer.decode(days[0])
    tokenizer.chat_template_kwargs = {"date_string": "1 May 2031"}
    assert "Today Date: 1 May 2031" in tokenizer.decode(prompt_ids(tokenizer, PROMPT, "chat"))


def test_a_date_that_cannot_be_fixed_is_refused():
    tokenizer = make_family("llama3")
    tokenizer.chat_template = (
        "{% set how = '%d' %}{{ strftime_now(how) }}{{ messages[0]['content'] }}"
    )
    with pytest.raises(UserError, match=r"llama3 puts today's date .* chat_template\.jinja"):
        prompt_ids(tokenizer, PROMPT, "chat")


def test_variables_of_the_config_win():
    tokenizer = make_family("qwen3")
    assert tokenizer.decode(prompt_ids(tokenizer, PROMPT, "chat")).endswith("</think>\n\n")
    tokenizer.chat_template_kwargs = {"enable_thinking": True}
    assert tokenizer.decode(prompt_ids(tokenizer, PROMPT, "chat")).endswith("assistant\n")


def test_what_a_template_lacks_or_raises_is_one_message():
    tokenizer = make_family("gemma")
    with pytest.raises(UserError, match="gemma raises an error for a chat of system: System role"):
        rendered_chats(tokenizer, [[{"role": "system", "content": "x"}]], to_answer=True)
    tokenizer.chat_template = "{{ messages[0]['content'] }}{{ 1 + none }}"
    with pytest.raises(UserError, match="raises an error for a chat of user"):
        prompt_ids(tokenizer, PROMPT, "chat")
    tokenizer.chat_template = "{% if x"
    with pytest.raises(UserError, match="raises an error"):
        prompt_ids(tokenizer, PROMPT, "chat")
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    with pytest.raises(UserError, match="leaves out the assistant's messages"):
        ids_of_rows(tokenizer, [PROMPT], [["so"]], "chat")
    tokenizer.chat_template = None
    with pytest.raises(UserError, match=re.escape("gemma has no chat template")):
        prompt_ids(tokenizer, PROMPT, "chat")
