"""How an endpoint is asked comes by the environment; what is missing there is named."""

import json
from pathlib import Path

import pytest

from idempotence.config.endpoint import Api
from idempotence.endpoint.client import Endpoint
from idempotence.endpoint.options import EndpointOptions, answers_file, endpoint_options
from idempotence.environment_names import api_variable, cache_variable
from idempotence.errors import UserError

API = Api(base_url="https://host/v1", key_env="SOME_KEY", max_calls=7)
GIVEN = {
    api_variable("judge"): API.model_dump_json(),
    cache_variable("judge"): "results/answers.sqlite",
}
OPTIONS = EndpointOptions(**API.model_dump())


def test_options_are_the_keys_of_the_configs_section():
    assert endpoint_options("judge", GIVEN) == (OPTIONS, Path("results/answers.sqlite"))
    assert (OPTIONS.base_url, OPTIONS.max_calls, OPTIONS.max_cost) == ("https://host/v1", 7, None)


@pytest.mark.parametrize("role", ["judge", "second_judge"])
@pytest.mark.parametrize("missing", [api_variable, cache_variable])
@pytest.mark.parametrize("empty", [{}, {"": ""}])
def test_a_variable_that_is_not_set_is_named(role, missing, empty):
    given = {api_variable(role): API.model_dump_json(), cache_variable(role): "file"}
    del given[missing(role)]
    given |= {missing(role): value for value in empty.values()}
    with pytest.raises(UserError, match=missing(role)):
        endpoint_options(role, given)


@pytest.mark.parametrize("text", ["{", "[]", "{}", json.dumps({**API.model_dump(), "retries": 3})])
def test_options_of_another_form_are_refused_with_the_name_of_the_variable(text):
    with pytest.raises(UserError, match=api_variable("judge")):
        endpoint_options("judge", {**GIVEN, api_variable("judge"): text})


def test_the_file_of_answers_has_to_be_named_for_a_model_here_too():
    assert answers_file("judge", GIVEN) == Path("results/answers.sqlite")
    with pytest.raises(UserError, match=cache_variable("generator")):
        answers_file("generator", GIVEN)


def test_an_endpoint_without_a_key_says_where_the_key_goes(tmp_path, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(UserError, match=r"SOME_KEY \(judge\.api\.key_env names it"):
        Endpoint(
            "judge", OPTIONS, tmp_path / "answers.sqlite", lambda choice: {}, lambda answer: None
        )
