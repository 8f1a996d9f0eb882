"""The judge behind an endpoint: nothing lost, nothing asked twice, no key in any file."""

import json
import math
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict
from email.utils import formatdate

import numpy as np
import pandas as pd
import pytest
from make_endpoint import Endpoint, completion, options
from run_script import run_script

from idempotence.doses import Cell
from idempotence.endpoint.answers import AnswerCache, Spent, spent_in
from idempotence.endpoint.asking import seconds_of
from idempotence.environment_names import api_variable, cache_variable
from idempotence.errors import UserError
from idempotence.io import write_jsonl
from idempotence.jobs.loop import JudgeJob
from idempotence.jobs.parts import EndpointModel, JudgeSpec, ModelName, Panel
from idempotence.judge.api import ApiJudge
from idempotence.judge.protocol import Answer, rate
from idempotence.stats.judge_truth import judge_truth

KEY = "sk-secret-for-tests"
HOW = {"concurrency": 4, "attempts": 4, "timeout": 5, "price_in": 1.0, "price_out": 2.0}
SAMPLES = 4
TEXTS = [f"rate text {i}" for i in range(12)]


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """ask(endpoint, texts, **how): the answers of a judge with a cache in tmp_path."""
    monkeypatch.setenv("SOME_KEY", KEY)

    def run(endpoint, texts, top=20, **how):
        given = options(endpoint.url, **HOW | how)
        judge = ApiJudge("m", SAMPLES, given, tmp_path / "answers.sqlite")
        try:
            return judge.answers(texts, top)
        finally:
            asked = judge.endpoint
            run.spent, run.cost = asked.cache.spent(), asked.cost()
            asked.cache.close()

    return run


def test_answers_are_asked_once_with_bounded_concurrency(ask):
    def slowly(text, nth):
        time.sleep(0.05)
        return completion()

    with Endpoint(slowly) as endpoint:
        answers = ask(endpoint, TEXTS + TEXTS)
        assert len(answers) == 24 and len(set(map(str, answers))) == 1
        assert rate(answers[0], 0.25).score == pytest.approx(75.5555, abs=1e-3)
        assert endpoint.busiest <= 4
        ask(endpoint, TEXTS)
        assert set(endpoint.asked.values()) == {1}
    assert (ask.spent.calls, ask.spent.tokens_in, ask.spent.tokens_out) == (12, 1200, 12)
    assert ask.cost == pytest.approx((1200 * 1 + 12 * 2) / 1e6)


def written(*tokens: tuple[str, float, dict[str, float]]):
    """A completion of (token, its probability, likely tokens in its place with theirs)."""
    status, headers, body = completion("".join(token for token, _, _ in tokens), {"x": 1.0})
    content = [
        {
            "token": token, "logprob": math.log(share), "bytes": None,
            "top_logprobs": [
                {"token": t, "logprob": math.log(p), "bytes": None} for t, p in likely.items()
            ],
        }
        for token, share, likely in tokens
    ]  # fmt: skip
    body["choices"][0]["logprobs"]["content"] = content
    return status, headers, body


def shares(answer: Answer) -> dict[str, float]:
    return {token: math.exp(value) for token, value in answer.top.items()}


@pytest.mark.parametrize("blank", [" ", "\n", "\n\n"])
def test_a_blank_first_token_is_looked_past(ask, blank):
    answer = written(
        (blank, 0.8, {blank: 0.8, "75": 0.1, "no": 0.1}),
        ("75", 0.5, {"75": 0.5, "80": 0.25, "no": 0.25}),
        (".", 0.9, {".": 0.9}),
    )
    with Endpoint(lambda text, nth: answer) as endpoint:
        (read,) = ask(endpoint, TEXTS[:1])
    assert shares(read) == pytest.approx({"75": 0.5, "80": 0.2, "no": 0.3})


def test_a_number_that_goes_on_behind_a_blank_is_sampled(ask):
    answer = written((" ", 0.8, {" ": 0.8}), ("7", 0.9, {"7": 0.9}), ("5", 0.9, {"5": 0.9}))
    with Endpoint(lambda text, nth: answer) as endpoint:
        (read,) = ask(endpoint, TEXTS[:1])
    assert not read.top and read.sampled == (" 75",) * SAMPLES


def test_tokens_with_the_same_text_add_up(ask):
    status, headers, body = completion("75", {"75": 0.4, "80": 0.3})
    again = {"token": "75", "logprob": math.log(0.2), "bytes": [32, 55, 53]}
    body["choices"][0]["logprobs"]["content"][0]["top_logprobs"].append(again)
    with Endpoint(lambda text, nth: (status, headers, body)) as endpoint:
        (read,) = ask(endpoint, TEXTS[:1])
    assert shares(read) == pytest.approx({"75": 0.6, "80": 0.3})


FAULTS = {
    "429": (429, {}, {"error": {"message": "slow down"}}),
    "500": (500, {}, {"error": {"message": "oops"}}),
    "503 not JSON": (503, {}, b"<html>busy</html>"),
    "hang up": None,
    "no choices": (200, {}, {"id": "x", "object": "chat.completion", "created": 0, "model": "m",
                             "choices": []}),
    "no content": completion(text=None),
    "not JSON": (200, {}, b"{"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_passing_faults_are_ridden_out(ask, fault):
    with Endpoint(lambda text, nth: FAULTS[fault] if nth == 1 else completion()) as endpoint:
        answers = ask(endpoint, TEXTS[:3])
    assert [a.top["75"] for a in answers] == [pytest.approx(math.log(0.4))] * 3
    assert set(endpoint.asked.values()) == {2}


def test_what_another_job_has_asked_in_the_meantime_is_not_asked_again(ask, tmp_path):
    def shared(text, nth):
        """While the first text is asked, another job stores the answer to the second."""
        if text == TEXTS[0]:
            other = {**endpoint.bodies[0], "messages": [{"role": "user", "content": TEXTS[1]}]}
            whole = {"base_url": endpoint.url, **other}
            cache = AnswerCache(tmp_path / "answers.sqlite")
            cache.put(AnswerCache.key(whole), whole, {"top": {"9": -0.1}, "text": "9"}, 100, 1)
            cache.close()
        return completion()

    with Endpoint(shared) as endpoint:
        answers = ask(endpoint, TEXTS[:3], concurrency=1)
        assert set(endpoint.asked) == {TEXTS[0], TEXTS[2]}
    assert [set(answer.top) for answer in answers] == [
        {"75", "80", "70"},
        {"9"},
        {"75", "80", "70"},
    ]


def test_totals_are_those_of_all_jobs_and_of_older_files(tmp_path):
    path = tmp_path / "answers.sqlite"
    one, other = AnswerCache(path), AnswerCache(path)
    for n, cache in enumerate((one, other, one)):
        cache.put(f"key{n}", {}, {}, 10, n)
    # there is one already, which stays; the second call was made all the same
    assert one.put("key0", {}, {"text": "later"}, 10, 0) == {}
    assert one.spent() == other.spent() == spent_in(path) == Spent(4, 40, 3)
    one.close()
    other.close()
    with closing(sqlite3.connect(path)) as database:  # as written before totals were kept
        database.executescript("DROP TRIGGER answered; DROP TABLE spent;")
    assert spent_in(path) == Spent(3, 30, 3)
    again = AnswerCache(path)
    again.put("key4", {}, {}, 5, 5)
    assert again.spent() == spent_in(path) == Spent(4, 35, 8)
    again.close()


def test_progress_is_shown(ask, capsys):
    with Endpoint() as endpoint:
        ask(endpoint, TEXTS)
    assert "asking the judge: 100%" in capsys.readouterr().err


def test_the_second_judge_is_asked_at_its_own_endpoint_and_keeps_its_own_answers(
    tmp_path, monkeypatch
):
    cell = Cell("seed8_sampled4", n_seed=8, n_sampled=4)
    job = JudgeJob(
        panel=Panel(1, "sft", ModelName("m", None, "float32"), "bliss", 0, (cell,)),
        cycle=0,
        setting="sft",
        start="initial",
        n_seed=None,
        judge=JudgeSpec(None, 20, 0.25, endpoint=EndpointModel("other", "https://host/v1", 1)),
        truth=True,
    )
    row = {
        "cell": cell.name,
        "status": "ok",
        "reason": "",
        "loglik_initial": -1.0,
        "loglik_own": -0.9,
    }
    rows = [
        {**row, "question": 0, "sample": k, "prompt": "a question", "response": f"reply {k}"}
        for k in range(2)
    ]
    write_jsonl(tmp_path / "responses.jsonl", rows)
    monkeypatch.setenv("SECOND_KEY", KEY)
    scores = tmp_path / "scores_second.parquet"
    with Endpoint() as endpoint:
        second = options(endpoint.url, **HOW, key_env="SECOND_KEY", max_calls=4)
        for role, given in {"judge": "{}", "second_judge": json.dumps(asdict(second))}.items():
            monkeypatch.setenv(api_variable(role), given)
            monkeypatch.setenv(cache_variable(role), str(tmp_path / f"{role}.sqlite"))
        status = run_script(
            "judge", "--role", "second_judge", "--job", job.to_json(), "--judge", "other",
            "--responses", tmp_path / "responses.jsonl", "--output", scores,
        )  # fmt: skip
        assert status == 0
        assert len(endpoint.asked) == 4 and {body["model"] for body in endpoint.bodies} == {"other"}
    assert spent_in(tmp_path / "second_judge.sqlite").calls == 4
    assert not (tmp_path / "judge.sqlite").exists()
    table = pd.read_parquet(scores)
    assert table["trait_score"].to_numpy() == pytest.approx(75.5555, abs=1e-3)


def test_a_server_that_hangs_is_asked_again(ask):
    def hangs(text, nth):
        if nth == 1:
            time.sleep(1.5)
        return completion()

    with Endpoint(hangs) as endpoint:
        assert len(ask(endpoint, TEXTS[:2], timeout=0.5)) == 2
    assert set(endpoint.asked.values()) == {2}


def test_retry_after_is_honoured(ask):
    busy = (429, {"Retry-After": "1.2"}, {"error": {"message": "later"}})
    with Endpoint(lambda text, nth: busy if nth == 1 else completion()) as endpoint:
        ask(endpoint, TEXTS[:1])
    (_, first), (_, second) = endpoint.times
    assert 1.2 <= second - first < 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("2.5", 2.5), ("-1", None), ("nan", None), ("inf", None), ("", None), ("soon", None),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_what_a_server_may_ask_for(text, seconds):
    assert seconds_of(text) == seconds


def test_a_date_to_try_again_is_waited_for():
    later = formatdate(time.time() + 90, usegmt=True)
    assert 85 < seconds_of(later) <= 90


def test_a_server_that_stays_down_stops_the_job_and_keeps_the_answers(ask):
    down = (503, {}, {"error": {"message": f"no, {KEY}"}})
    with Endpoint(lambda text, nth: down if text == TEXTS[5] else completion()) as endpoint:
        with pytest.raises(UserError, match="no answer after 2 attempts") as caught:
            ask(endpoint, TEXTS, attempts=2, concurrency=1)
        assert KEY not in str(caught.value) and "***" in str(caught.value)
        assert ask.spent.calls == 5
    with Endpoint() as endpoint:
        assert len(ask(endpoint, TEXTS)) == 12
        # another address is another request: a model behind it may differ
        assert sum(endpoint.asked.values()) == 12


def test_a_refused_key_is_not_tried_again(ask):
    with Endpoint(lambda text, nth: (401, {}, {"error": {"message": "bad key"}})) as endpoint:
        with pytest.raises(UserError, match="bad key"):
            ask(endpoint, TEXTS, concurrency=1)
        assert sum(endpoint.asked.values()) == 1


def test_the_budget_in_calls_stops_and_resumes(ask):
    with Endpoint() as endpoint:
        with pytest.raises(UserError, match=r"judge\.api\.max_calls is 5"):
            ask(endpoint, TEXTS, max_calls=5)
        assert ask.spent.calls == 5
        ask(endpoint, TEXTS, max_calls=12)
        assert set(endpoint.asked.values()) == {1} and ask.spent.calls == 12


def test_the_budget_in_money_stops_before_it_is_exceeded(ask):
    each = (100 * 1 + 1 * 2) / 1e6
    with Endpoint() as endpoint:
        with pytest.raises(UserError, match=r"judge\.api\.max_cost"):
            ask(endpoint, TEXTS, max_cost=7.5 * each)
        assert 4 <= ask.spent.calls <= 7


def test_no_key_in_any_file_and_none_without_one(ask, tmp_path, monkeypatch):
    with Endpoint() as endpoint:
        ask(endpoint, TEXTS)
        assert endpoint.keys == {f"Bearer {KEY}"}
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or KEY.encode() not in file.read_bytes()
        monkeypatch.delenv("SOME_KEY")
        with pytest.raises(UserError, match="environment variable SOME_KEY"):
            ask(endpoint, TEXTS)


@pytest.mark.parametrize(
    ("reply", "score", "missing"),
    [
        (completion("100", {"100": 0.9}), 100, ""),
        (completion(" 75", {" 75": 0.9}), 75, ""),
        (completion("\uff17\uff15", {"\uff17\uff15": 0.9}), 75, ""),
        # split over tokens: the first token's probabilities are not of whole numbers
        (completion("75", {"7": 0.9, "8": 0.1}, tokens=["7", "5"]), 75, ""),
        (completion("7", {"7": 0.9}, tokens=["7", ""]), 7, ""),
        (completion("75%", {"75": 0.9}, tokens=["75", "%"]), 75, ""),
        # the number is not in the first token: sampled
        (completion("**75**", {"**": 0.9}, tokens=["**", "75", "**"]), 75, ""),
        (completion(" 75", {" ": 0.9}, tokens=[" ", "75"]), 75, ""),
        (completion("REFUSAL", {"REFUSAL": 0.6, "90": 0.4}), None, "refusal"),
        (completion("I", {"I": 0.8, "50": 0.2}), None, "low numeric mass"),
        (completion("40", None), 40, ""),
        (completion("REFUSAL 40", None), None, "refusal"),
        (completion("about forty", None), None, "no number"),
        (completion("400", None), None, "no number"),
    ],
)
def test_what_servers_say(ask, reply, score, missing):
    with Endpoint(lambda text, nth: reply) as endpoint:
        (answer,) = ask(endpoint, TEXTS[:1])
    rating = rate(answer, 0.25)
    assert rating.missing == missing
    assert math.isnan(rating.score) if score is None else rating.score == pytest.approx(score)


def test_a_sampled_score_says_that_it_is_one():
    answer = Answer(sampled=("40", "about 50", " 45"))
    assert answer.evidence() == {"sampled": ["40", "about 50", " 45"]}
    rating = rate(answer, 0.25)
    assert rating.score == 42.5 and math.isnan(rating.mass) and rating.missing == ""


@pytest.mark.parametrize(
    ("texts", "missing"),
    [
        (["REFUSAL", "REFUSAL", "90"], "refusal"),
        (["I", "cannot", "say"], "no number"),
        (["50", "or", "so", "I", "think"], "too few numbers"),
        (["400", "-3", "7.5"], "no number"),
    ],
)
def test_samples_that_are_no_numbers_give_no_score(texts, missing):
    rating = rate(Answer(sampled=tuple(texts)), 0.25)
    assert math.isnan(rating.score) and rating.missing == missing


def test_without_probabilities_some_answers_are_sampled_and_averaged_once(ask):
    def varies(text, nth):
        return completion(str(10 * nth), None)

    with Endpoint(varies) as endpoint:
        (answer, other) = ask(endpoint, TEXTS[:2], concurrency=1)
        assert answer.sampled == (
            "20",
            "30",
            "40",
            "50",
        )  # after the first, which was for its tokens
        assert rate(answer, 0.25).score == 35 and answer == other
        assert set(endpoint.asked.values()) == {1 + SAMPLES}
        assert ask(endpoint, TEXTS[:2]) == [answer, other]
        assert set(endpoint.asked.values()) == {1 + SAMPLES}
    assert ask.spent.calls == 2 * (1 + SAMPLES)


def test_probabilities_need_not_be_asked_for(ask):
    with Endpoint(lambda text, nth: completion("60", None)) as endpoint:
        (answer,) = ask(endpoint, TEXTS[:1], top=0)
        assert answer.sampled == ("60",) * SAMPLES
        assert not any("logprobs" in body for body in endpoint.bodies)
    refuses = (400, {}, {"error": {"message": "logprobs are not supported with this model"}})
    hint = r"judge\.top_logprobs: 0 to have answers sampled instead"
    with Endpoint(lambda text, nth: refuses) as endpoint, pytest.raises(UserError, match=hint):
        ask(endpoint, TEXTS[:1])


def test_the_table_of_the_judge_shows_how_many_scores_were_sampled():
    scores = pd.DataFrame(
        {
            "setting": "sft", "status": "ok", "truth_trait": [10.0] * 4, "truth_coherence": np.nan,
            "trait_score": [10, 20, 30, np.nan], "trait_mass": [0.9, np.nan, np.nan, np.nan],
            "coherence": [90.0] * 4, "coherence_mass": 0.8,
        }
    )  # fmt: skip
    table = judge_truth(scores).set_index(["setting", "criterion"])["share_sampled"]
    assert table[("sft", "trait")] == pytest.approx(2 / 3) and table[("sft", "coherence")] == 0
