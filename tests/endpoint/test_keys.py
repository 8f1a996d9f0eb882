"""Keys that cannot be sent, and servers that repeat them."""

import pytest
from make_asking import KEY, refused
from make_endpoint import Endpoint

from idempotence.errors import UserError


@pytest.mark.parametrize(
    ("key", "what"),
    [("sk-abc\n", "a line break"), ("sk-\r\nX: 1", "a line break"), ("sk-äbc", "not ASCII"),
     ("sk abc", "a blank or a control character"), ("sk-\x1b[31m", "a control character")],
)  # fmt: skip
def test_a_key_that_cannot_be_sent_is_named_as_such_and_not_shown(ask, monkeypatch, key, what):
    monkeypatch.setenv("SOME_KEY", key)
    with Endpoint() as endpoint, pytest.raises(UserError, match=what) as caught:
        ask(endpoint)
    assert "SOME_KEY" in str(caught.value) and "sk-" not in str(caught.value)


@pytest.mark.parametrize("part", [KEY, KEY[:11], KEY[6:], "sk-s*****ests", f"x{KEY}y"])
def test_a_server_that_repeats_a_part_of_the_key_is_not_quoted(ask, part, capsys):
    no = refused(401, f"Incorrect API key provided: {part}. Find yours")
    with Endpoint(lambda text, nth: no) as endpoint, pytest.raises(UserError) as caught:
        ask(endpoint)
    shown = str(caught.value) + capsys.readouterr().err
    assert "***" in shown and "Find yours" in shown
    assert not any(KEY[i : i + 8] in shown for i in range(len(KEY) - 7)) and "ests" not in shown


def test_a_short_key_that_is_no_secret_spoils_no_message(ask, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "x")
    no = refused(401, "next time: x, the exact key")
    words = r"next time: \*\*\*, the exact key"
    with Endpoint(lambda text, nth: no) as endpoint, pytest.raises(UserError, match=words):
        ask(endpoint)
