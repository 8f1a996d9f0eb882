"""What the config may say of judges."""

import pytest
from make_config import complaint, load

from idempotence.workflow.study_jobs import StudyJobs


def test_a_second_judge_is_none_or_checked_like_the_first():
    assert load().second_judge is None
    second = {"backend": "local", "path": "world/judge"}
    assert load({"second_judge": second}).second_judge.min_numeric_mass == 0.25
    assert "did you mean world/judge?" in complaint(
        {"second_judge": {**second, "path": "world/jugde"}}
    )
    assert "second_judge.path: is missing" in complaint({"second_judge": {"backend": "local"}})
    assert "did you mean backend?" in complaint({"second_judge": {**second, "backent": "local"}})
    text = complaint({"second_judge": {"backend": "openai", "path": "m"}})
    assert "second_judge.api.base_url: is missing" in text
    text = complaint({"second_judge": second, "scores_from": "results/shipped/reference"})
    assert "second_judge: is not allowed with scores_from" in text


def test_a_judge_behind_an_endpoint():
    api = {"base_url": "https://host/v1"}
    study = load({"judge": {"backend": "openai", "path": "some-model", "api": api}})
    assert study.judge.api.key_env == "OPENAI_API_KEY" and study.judge.api.max_cost is None
    text = complaint({"judge": {"backend": "openai", "path": "m", "top_logprobs": 50}})
    assert "judge.api.base_url: is missing" in text and "at most 20 tokens" in text
    assert "judge.top_logprobs: 0 is not allowed" in complaint({"judge": {"top_logprobs": 0}})
    assert "judge.api.base_url: is not allowed: only" in complaint({"judge": {"api": api}})


def test_a_key_in_the_config_is_refused():
    api = {"base_url": "https://host/v1", "key_env": "sk-abc123"}
    text = complaint({"judge": {"backend": "openai", "path": "m", "api": api}})
    assert "judge.api.key_env" in text and "capital letters" in text and "sk-abc" not in text


@pytest.mark.parametrize(
    "address", ["https://user:hunter2@host/v1", "https://hunter2@host/v1", "//hunter2@host/v1"]
)
def test_a_password_in_an_address_is_refused_and_not_shown(address):
    for judge in ({"backend": "openai", "path": "m"}, {}):
        text = complaint({"judge": {**judge, "api": {"base_url": address}}})
        assert "judge.api.base_url: " in text and "hunter2" not in text
    text = complaint({"judge": {"backend": "openai", "path": "m", "api": {"base_url": [address]}}})
    assert "judge.api.base_url: " in text and "hunter2" not in text


@pytest.mark.parametrize("address", ["host/v1", "ftp://host/v1", "https://", "https://h:port/v1"])
def test_an_address_is_one_of_the_web(address):
    api = {"base_url": address}
    text = complaint({"judge": {"backend": "openai", "path": "m", "api": api}})
    assert "judge.api.base_url: is not an address, as https://host/v1" in text


def test_parameters_of_an_endpoint_are_renamed_or_left_out():
    api = {"base_url": "https://host/v1", "names": {"max_tokens": "max_completion_tokens"}}
    judge = {"backend": "openai", "path": "m", "api": api, "leave_out": ["seed", "temperature"]}
    study = load({"judge": {**judge, "answer_tokens": 900}})
    assert study.judge.api.names.max_tokens == "max_completion_tokens"
    assert study.judge.api.names.seed == "seed"
    asked = StudyJobs(study).judge(study.panels()[0], 0).judge.endpoint
    assert (asked.answer_tokens, asked.leave_out) == (900, ("seed", "temperature"))
    assert "one of max_tokens, temperature, seed" in complaint(
        {"judge": {**judge, "leave_out": ["model"]}}
    )


def test_control_characters_of_a_config_do_not_reach_the_terminal():
    text = complaint({"\x1b[31mred\x07": 1, "judge": {"backend": "\x1b]0;title\x07"}})
    assert "\\x1b[31mred\\x07" in text and "\x1b" not in text and "\x07" not in text
