"""The key `chat_template_kwargs`: names and plain values, where a template is used at all."""

import pytest
from make_config import complaint, load

MODELS = [
    {"name": "a", "kind": "instruct", "path": "world/instruct"},
    {"name": "b", "kind": "base", "path": "world/base"},
]


def with_values(which: int, values) -> dict:
    own = [{**m, "chat_template_kwargs": values} if i == which else m for i, m in enumerate(MODELS)]
    return {"models": own}


def test_plain_values_are_kept_as_they_are():
    values = {"date_string": "1 May 2031", "thinks": False, "n": 2, "share": 0.5}
    kept = load(with_values(0, values)).models[0].chat_template_kwargs
    assert kept == values and [*map(type, kept.values())] == [str, bool, int, float]


@pytest.mark.parametrize(
    ("values", "place", "message"),
    [
        ({"1a": 1}, "chat_template_kwargs.1a", "not beginning with a digit"),
        ({"a": [1]}, "chat_template_kwargs.a", "true or false or a whole number or a number"),
        ({"a": None}, "chat_template_kwargs.a", "None is not allowed"),
        (5, "chat_template_kwargs", "a section of names"),
    ],
)
def test_other_values_are_refused(values, place, message):
    text = complaint(with_values(0, values))
    assert message in text and f"models.0.{place}: " in text and "a mistake" in text


def test_a_model_without_a_template_here_has_none_of_its_variables():
    text = complaint(with_values(1, {"a": 1}))
    assert "models.1.chat_template_kwargs: is not allowed: a base model reads documents" in text
    remote = {"backend": "openai", "path": "x", "api": {"base_url": "http://localhost:1/v1"}}
    text = complaint({"judge": {**remote, "chat_template_kwargs": {"a": 1}}})
    assert "judge.chat_template_kwargs: is not allowed: a model behind an endpoint" in text
