"""What tests of endpoints share."""

import pytest
from make_asking import KEY, TEXTS
from make_endpoint import options

from idempotence.judge.api import ApiJudge


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """ask(endpoint, texts, top, **options): the answers of a judge with a cache in tmp_path."""
    monkeypatch.setenv("SOME_KEY", KEY)

    def run(endpoint, texts=TEXTS, top=20, judge=None, **how):
        asked = options(endpoint.url, **{"attempts": 2, "timeout": 60, **how})
        judge = ApiJudge("m", 2, asked, tmp_path / "answers.sqlite", **(judge or {}))
        try:
            return judge.answers(texts, top)
        finally:
            judge.endpoint.cache.close()

    run.cache = tmp_path / "answers.sqlite"
    return run
