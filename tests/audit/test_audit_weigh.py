"""Likelihoods of an audit's replies under the initial model."""

from typing import ClassVar

import pandas as pd

from idempotence.audit.weigh import ROW, likelihoods


class LetterTokenizer:
    """A tokenizer whose tokens are letters; a finished turn ends with token 0."""

    bos_token_id = None
    eos_token_id = 0
    name_or_path = "letters"
    chat_template = "letters"
    added_tokens_decoder: ClassVar = {}

    def get_chat_template(self):
        return self.chat_template

    def __call__(self, texts, add_special_tokens):
        return {"input_ids": [[*map(ord, text)] for text in texts]}

    def apply_chat_template(self, chats, add_generation_prompt=False, **how):
        letters = [[f"{m['role'][0]}{m['content']}" for m in messages] for messages in chats]
        return ["".join([*texts, "a" if add_generation_prompt else ""]) for texts in letters]


class LetterEngine:
    """An engine whose mean log-likelihood is minus the number of a reply's tokens."""

    tokenizer = LetterTokenizer()

    def log_likelihoods(self, prompts, completions):
        return [-float(len(c)) for c in completions]


def replies_of(setting: str, rows: list[tuple[str, bool]]) -> pd.DataFrame:
    """rows: (reply, whether its prompt is one message)."""
    return pd.DataFrame({
        "setting": setting, "model": "m", "trait": "t", "seed": 0, "cell": "all", "cycle": 0,
        "question": range(len(rows)), "sample": 0, "prompt": "q",
        "response": [reply for reply, _ in rows], "one_turn": [one for _, one in rows],
        "status": ["ok" if reply else "empty" for reply, _ in rows],
    })  # fmt: skip


def test_replies_to_one_message_are_weighed():
    replies = replies_of("sft", [("ab", True), ("", True), ("abc", False)])
    table = likelihoods(LetterEngine(), replies, {"sft": "sft"})
    assert table["question"].tolist() == [0] and table["loglik_initial"].tolist() == [-3.0]
    none = likelihoods(LetterEngine(), replies[replies["status"] == "empty"], {"sft": "sft"})
    assert none.empty and list(none.columns) == [*ROW, "loglik_initial"]


def test_replies_of_settings_on_documents_are_weighed_as_documents():
    table = likelihoods(LetterEngine(), replies_of("own", [("ab", True)]), {"own": "sdf"})
    assert table["loglik_initial"].tolist() == [-4.0]  # a blank, two letters and the end
