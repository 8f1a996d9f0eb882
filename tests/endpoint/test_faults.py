"""One bad answer never ends a study, is never stored, and never costs more than the budget."""

import json
import math
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_asking import KEY, TEXTS, refused
from make_endpoint import Endpoint, completion, options
from make_replies import NEVER, UNUSABLE, with_reply

from idempotence.endpoint.answers import AnswerCache, Spent, spent_in
from idempotence.endpoint.replies import (
    NeverError,
    UnusableError,
    check_likeliest,
    check_text,
    choice_of,
    limited,
    text_of,
    tokens_of,
)
from idempotence.errors import UserError
from idempotence.judge.protocol import Answer, rate

BAD = TEXTS[3]


def test_an_answer_of_no_use_is_asked_again_and_not_stored(ask):
    def once(text, nth):
        return UNUSABLE[text] if nth == 1 and text in UNUSABLE else completion()

    with Endpoint(once) as endpoint:
        answers = ask(endpoint, [*UNUSABLE, *TEXTS])
        assert {answer.missing for answer in answers} == {""}
        assert {text: endpoint.asked[text] for text in UNUSABLE} == dict.fromkeys(UNUSABLE, 2)
        asked = sum(endpoint.asked.values())
        assert ask(endpoint, [*UNUSABLE, *TEXTS]) == answers
        assert sum(endpoint.asked.values()) == asked
    assert spent_in(ask.cache).calls == asked  # the bad ones were paid for


def test_a_text_without_any_answer_of_use_has_a_reason_and_can_be_asked_again(ask, capsys):
    with Endpoint(lambda text, nth: UNUSABLE.get(text) or completion()) as endpoint:
        answers = ask(endpoint, [*UNUSABLE, *TEXTS], max_unanswered=0.8)
    ratings = dict(zip(UNUSABLE, (rate(answer, 0.25) for answer in answers), strict=False))
    for fault, rating in ratings.items():
        assert math.isnan(rating.score) and rating.missing.startswith("no usable answer: "), fault
    assert "log-probability of 800" in ratings["logprob 800"].missing
    assert "the upstream provider is down" in ratings["an error"].missing
    assert not any(answer.missing for answer in answers[len(UNUSABLE) :])
    assert "a text has no answer of the judge: no usable answer" in capsys.readouterr().err
    with closing(sqlite3.connect(ask.cache)) as database:
        stored = [json.loads(row[0]) for row in database.execute("SELECT answer FROM answers")]
    assert len(stored) == len(TEXTS) and all(answer["text"] == "75" for answer in stored)


USAGES = [None, {}, [], "many", {"prompt_tokens": None},
          {"prompt_tokens": -1, "completion_tokens": 1e99}]  # fmt: skip


def test_tokens_that_a_server_does_not_count_are_counted_by_length(ask):
    texts = {f"text {i}": usage for i, usage in enumerate(USAGES)}
    with Endpoint(lambda text, nth: with_reply(usage=texts[text])) as endpoint:
        assert {answer.missing for answer in ask(endpoint, list(texts))} == {""}
    spent, n = spent_in(ask.cache), len(texts)
    assert spent.calls == n and spent.tokens_in > 4 * n and spent.tokens_out == n


def test_a_server_without_usage_cannot_pass_a_budget_in_money(ask):
    with Endpoint(lambda text, nth: with_reply(usage=None)) as endpoint:
        with pytest.raises(UserError, match=r"judge\.api\.max_cost"):
            ask(endpoint, price_in=1, max_cost=40e-6, concurrency=1)
        assert 0 < sum(endpoint.asked.values()) < 12


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=3),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(["choices", "message", "content", "logprobs", "top_logprobs", "token",
                         "logprob", "error", "finish_reason"]), inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_no_reply_of_any_form_is_read_with_a_traceback(value):
    try:
        choice, _ = choice_of(json.dumps(value).encode())
        text, (_, top) = text_of(choice), tokens_of(choice)
        check_text(text)
        check_likeliest(top)
        rating = rate(Answer(top), 0.25)
        assert math.isnan(rating.score) or 0 <= rating.score <= 100
        json.dumps({"top": top, "text": text}, ensure_ascii=False, allow_nan=False).encode()
    except (UnusableError, NeverError):
        pass


STORED = [
"{", "[]", '{"top": {"75": 800}, "text": "75"}', '{"top": {"75": NaN}, "text": "7"}',
               '{"top": {}, "text": null}', '{"text": ["75"], "top": {}}', '{"missing": 3}', "{}",
]  # fmt: skip


def test_a_cache_that_holds_such_an_answer_repairs_itself(ask):
    with Endpoint() as endpoint:
        answers = ask(endpoint)
        with closing(sqlite3.connect(ask.cache)) as database, database:
            keys = [key for (key,) in database.execute("SELECT key FROM answers")]
            bad = list(zip(STORED, keys, strict=False))
            database.executemany("UPDATE answers SET answer = ? WHERE key = ?", bad)
        for _ in range(2):
            assert ask(endpoint) == answers
            assert sum(endpoint.asked.values()) == 12 + len(STORED)


def test_a_file_of_another_kind_is_named(ask, tmp_path):
    ask.cache.write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with Endpoint() as endpoint, pytest.raises(UserError, match=r"answers\.sqlite cannot hold"):
        ask(endpoint)


def test_a_text_that_is_never_taken_is_a_missing_score_and_not_asked_again(ask):
    with Endpoint(lambda text, nth: NEVER.get(text, [completion()])[0]) as endpoint:
        answers = ask(endpoint, [*NEVER, *TEXTS], max_unanswered=0.4)
        reasons = [reason for _, reason in NEVER.values()]
        assert [rate(answer, 0.25).missing for answer in answers] == [*reasons, *[""] * 12]
        assert ask(endpoint, [*NEVER, *TEXTS], max_unanswered=0.4) == answers
        assert set(endpoint.asked.values()) == {1}


def test_a_refusal_in_other_words_is_a_missing_score_too(ask, capsys):
    no = (422, {}, {"detail": [{"loc": ["body"], "msg": "this one I do not like"}]})
    with Endpoint(lambda text, nth: no if text == BAD else completion()) as endpoint:
        assert ask(endpoint)[3].missing == "refused with status 422"
    assert "this one I do not like" in capsys.readouterr().err


def test_beyond_the_share_the_job_stops_and_keeps_what_it_has(ask):
    never = NEVER["filter"][0]

    def some(text, nth):
        return never if text in TEXTS[2:5] else completion()

    with Endpoint(some) as endpoint:
        with pytest.raises(UserError) as caught:
            ask(endpoint, concurrency=1)
        for part in ("2 of 12 texts", "content filter", "judge.api.max_unanswered", "0.1"):
            assert part in str(caught.value)
        assert sum(endpoint.asked.values()) == 4
        with pytest.raises(UserError, match="3 of 12 texts"):  # of an earlier start, too
            ask(endpoint, concurrency=1, max_unanswered=0.2)
        assert sum(endpoint.asked.values()) == 5
        assert sum(bool(a.missing) for a in ask(endpoint, max_unanswered=0.25)) == 3
        assert set(endpoint.asked.values()) == {1}


def test_no_text_need_be_allowed_to_go_without(ask):
    with (
        Endpoint(lambda text, nth: NEVER["filter"][0] if text == BAD else completion()) as endpoint,
        pytest.raises(UserError, match="1 of 12 texts"),
    ):
        ask(endpoint, max_unanswered=0)


def test_samples_that_are_refused_are_left_out_of_the_mean(ask):
    def half(text, nth):
        return completion("40", None) if text != BAD or nth == 1 else NEVER["filter"][0]

    with Endpoint(half) as endpoint:
        answers = ask(endpoint, top=0, concurrency=1)
    assert answers[3] == Answer(sampled=("40",)) and rate(answers[3], 0.25).score == 40
    with Endpoint(lambda t, n: NEVER["filter"][0] if t == BAD else completion("40", None)) as other:
        assert ask(other, top=0)[3] == Answer(missing="content filter")


def test_a_conflict_and_a_server_that_waited_in_vain_are_asked_again(ask):
    def once(text, nth):
        return refused(int(text), "again") if nth == 1 else completion()

    with Endpoint(once) as endpoint:
        assert not any(answer.missing for answer in ask(endpoint, ["408", "409"]))
        assert set(endpoint.asked.values()) == {2}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (with_reply(error={"message": "your plan has ended"}), "your plan has ended"),
        (with_reply(error="no more for today"), "no more for today"),
        ((422, {}, {"detail": [{"loc": ["body", "n"], "msg": "not a good n"}]}), "not a good n"),
        ((404, {}, {"message": "no such model"}), "no such model"),
        ((403, {}, b"<html>go away</html>"), "go away"),
    ],
)
def test_the_servers_own_words_are_shown(ask, reply, words):
    with Endpoint(lambda text, nth: reply) as endpoint, pytest.raises(UserError, match=words):
        ask(endpoint, concurrency=1)


def test_parameters_are_renamed_and_left_out(ask):
    names = {**options("x").names, "max_tokens": "max_completion_tokens"}
    judge = {"answer_tokens": 900, "leave_out": ["temperature", "seed"]}
    with Endpoint(lambda text, nth: completion(str(20 * nth), None)) as endpoint:
        answers = ask(endpoint, TEXTS[:1], 0, judge, names=names, concurrency=1)
        assert answers[0].sampled == ("20", "40")  # without seeds, two samples are still two
        for body in endpoint.bodies:
            assert body.pop("messages") and body == {"model": "m", "max_completion_tokens": 900}


def test_a_number_that_a_server_limits_is_lowered(ask, capsys):
    said = "Invalid value for 'top_logprobs': must be less than or equal to 5."

    def limits(text, nth):
        return refused(400, said) if endpoint.bodies[-1]["top_logprobs"] > 5 else completion()

    with Endpoint(limits) as endpoint:
        answers = ask(endpoint, concurrency=1)
        assert [answer.missing for answer in answers] == [""] * 12
        assert [body["top_logprobs"] for body in endpoint.bodies] == [20, *[5] * 12]
    assert "takes at most {'top_logprobs': 5}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    ["top_logprobs must be <= 5", "Expected a value <= 5 of top_logprobs, but got 20 instead.",
     "Requested sample logprobs of 20, which is greater than max allowed: 5",
     "top_logprobs: the maximum value is 5", "top_logprobs may be at most 5"],
)  # fmt: skip
def test_servers_say_limits_in_many_words(words):
    question = {"top_logprobs": 20, "max_tokens": 4}
    assert limited(question, words, list(question)) == {"top_logprobs": 5, "max_tokens": 4}
    assert limited({"top_logprobs": 5}, words, list(question)) is None


def test_a_refused_parameter_stops_the_job_and_says_what_changes_it(ask):
    no = refused(400, "Unsupported value: 'temperature' does not support 0 with this model.")
    with Endpoint(lambda text, nth: no) as endpoint:
        with pytest.raises(UserError, match=r"judge\.leave_out and judge\.api\.names"):
            ask(endpoint, concurrency=1)
        assert sum(endpoint.asked.values()) == 1


def test_a_server_that_asks_for_an_hour_is_asked_again_after_the_longest_wait(ask, capsys):
    busy = (429, {"Retry-After": "3600"}, {"error": {"message": f"busy {KEY}"}})
    with Endpoint(lambda text, nth: busy if nth == 1 else completion()) as endpoint:
        began = time.monotonic()
        ask(endpoint, TEXTS[:1], longest_wait=1.2)
    assert 1.2 <= time.monotonic() - began < 10
    said = capsys.readouterr().err
    assert "asked again in 1 s (status 429: busy ***, asked for 3600 s)" in said


def test_a_server_that_trickles_is_not_waited_for_without_end(ask):
    with Endpoint(trickle=0.2) as endpoint:
        began = time.monotonic()
        assert ask(endpoint, TEXTS[:1], timeout=1)[0].missing == ""
    assert time.monotonic() - began < 10


def test_jobs_that_begin_at_one_time_share_a_new_file(tmp_path):
    """SQLite refuses some of them at once: about one in fifty without a second try."""
    failed, count = [], 100

    def job(path, gate):
        gate.wait()
        try:
            AnswerCache(path)
        except UserError as error:
            failed.append(str(error))

    for i in range(count):
        gate = threading.Barrier(4)
        jobs = [
            threading.Thread(target=job, args=(tmp_path / f"{i}.sqlite", gate)) for _ in range(4)
        ]
        for each in jobs:
            each.start()
        for each in jobs:
            each.join()
    assert failed == []


def test_jobs_side_by_side_never_pass_the_budget_together(ask):
    """Four jobs of 12 texts each, and every second answer is of no use, which counts as well."""
    bad = UNUSABLE["logprob 800"]

    def half(text, nth):
        time.sleep(0.02)
        return bad if nth % 2 else completion()

    stopped = []

    def job(k):
        try:
            ask(endpoint, [f"{text} of job {k}" for text in TEXTS], max_calls=30)
        except UserError as error:
            stopped.append(str(error))

    with Endpoint(half) as endpoint:
        jobs = [threading.Thread(target=job, args=(k,)) for k in range(4)]
        for each in jobs:
            each.start()
        for each in jobs:
            each.join()
        assert sum(endpoint.asked.values()) <= 30
    assert stopped and all("judge.api.max_calls is 30" in each for each in stopped)
    assert spent_in(ask.cache).calls == sum(endpoint.asked.values())


@pytest.mark.parametrize("age", [0, 1000])
def test_calls_of_jobs_that_were_killed_count_as_dear_as_those_before(ask, age):
    """As calls under way at first, then as spent: they may have been paid for."""
    with Endpoint() as endpoint:
        ask(endpoint, TEXTS[:1], max_calls=5)
        with closing(sqlite3.connect(ask.cache)) as database, database:
            since = [(time.time() - age,)] * 4
            database.executemany("INSERT INTO underway (since) VALUES (?)", since)
        with pytest.raises(UserError, match=r"judge\.api\.max_calls is 5"):
            ask(endpoint, TEXTS[:2], max_calls=5)
        assert sum(endpoint.asked.values()) == 1
        ask(endpoint, TEXTS[:2], max_calls=6)
    assert spent_in(ask.cache) == (Spent(6, 600, 6) if age else Spent(2, 200, 2))


def test_calls_that_time_out_count_as_calls(ask):
    def hangs(text, nth):
        time.sleep(1.5 if nth == 1 else 0)
        return completion()

    with Endpoint(hangs) as endpoint:
        ask(endpoint, TEXTS[:1], timeout=0.5, attempts=3)
    assert spent_in(ask.cache).calls == sum(endpoint.asked.values()) >= 2


def test_a_text_that_cannot_be_sent_is_a_missing_score(ask):
    with Endpoint() as endpoint:
        answers = ask(endpoint, ["half \ud800", *TEXTS])
        assert [answer.missing for answer in answers] == [
            "half a character in the text",
            *[""] * 12,
        ]
