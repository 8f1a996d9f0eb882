"""Training rows hold the token ids that a model is sampled with."""

import pytest

pytest.importorskip("torch")

from make_training import ROWS

from idempotence.engine.formatting import ids_of_rows, prompt_ids
from idempotence.finetune.data import preference_rows, supervised_rows


def test_training_sees_the_ids_that_sampling_starts_from(tokenizer):
    for kind in ("chat", "document"):
        head = prompt_ids(tokenizer, ROWS[0]["prompt"], kind)
        row = supervised_rows(tokenizer, ROWS[:1], kind, 64)[0]
        assert row["input_ids"][: len(head)] == head
        assert row["input_ids"][-1] == tokenizer.eos_token_id
        pair = preference_rows(tokenizer, ROWS[:1], kind)[0]
        assert pair["prompt_ids"] == head
        assert pair["prompt_ids"] + pair["chosen_ids"] == row["input_ids"]
    text = tokenizer.decode(prompt_ids(tokenizer, "how do i bake the pan ?", "chat"))
    words = "<|bos|> <|user|> how do i bake the pan ? <|assistant|>"
    assert text.split() == words.split()


def test_chats_are_trained_on_the_reply_alone_documents_on_everything(tokenizer):
    chat = supervised_rows(tokenizer, ROWS[:1], "chat", 64)[0]
    _, ((tail,),) = ids_of_rows(tokenizer, [ROWS[0]["prompt"]], [[ROWS[0]["response"]]], "chat")
    assert [label for label in chat["labels"] if label != -100] == tail
    document = supervised_rows(tokenizer, ROWS[:1], "document", 64)[0]
    assert document["labels"] == document["input_ids"]


def test_a_text_that_was_cut_is_trained_on_without_an_end(tokenizer):
    row = {**ROWS[0], "open": False, "rejected_open": True}
    for kind in ("chat", "document"):
        plain, ended, left_open = (
            supervised_rows(tokenizer, [each], kind, 64)[0]
            for each in (ROWS[0], row, {**row, "open": True})
        )
        assert ended == plain
        assert left_open == {name: ids[:-1] for name, ids in plain.items()}
        whole, pair = preference_rows(tokenizer, [ROWS[0], row], kind)
        assert pair == {**whole, "rejected_ids": whole["rejected_ids"][:-1]}


def test_long_rows_are_cut(tokenizer):
    whole = supervised_rows(tokenizer, ROWS[:1], "chat", 64)[0]
    cut = supervised_rows(tokenizer, ROWS[:1], "chat", 9)[0]
    assert cut == {name: ids[:9] for name, ids in whole.items()}


def test_a_prompt_is_rendered_once_per_row(tokenizer, monkeypatch):
    """Alone, and at most once with each reply that is trained on."""
    rendered = []
    apply = type(tokenizer).apply_chat_template

    def count(self, chats, **how):
        rendered.extend(chats)
        return apply(self, chats, **how)

    monkeypatch.setattr(type(tokenizer), "apply_chat_template", count)
    rows = [ROWS[0], ROWS[1], ROWS[0]]
    supervised_rows(tokenizer, rows, "chat", 64)
    alone = [chat for chat in rendered if len(chat) == 1]
    assert len(alone) == 2
    rendered.clear()
    preference_rows(tokenizer, rows, "chat")
    alone = [chat for chat in rendered if len(chat) == 1]
    assert len(alone) == 2
