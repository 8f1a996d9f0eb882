"""What the config may say of judges."""

from make_config import complaint, load


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
    assert "judge.api.base_url: 'https://host/v1' is not allowed" in complaint(
        {"judge": {"api": api}}
    )


def test_a_key_in_the_config_is_refused():
    api = {"base_url": "https://host/v1", "key_env": "sk-abc123"}
    text = complaint({"judge": {"backend": "openai", "path": "m", "api": api}})
    assert "judge.api.key_env" in text and "capital letters" in text
