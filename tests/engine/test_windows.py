"""Models whose layers look at a window: what is read or drawn does not depend on the batch."""

import math
from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from make_templates import make_family_model

from idempotence.engine.base import Request
from idempotence.engine.hf import TransformersEngine, has_windows
from idempotence.engine.models import Weights

WINDOW = 12


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> TransformersEngine:
    folder = tmp_path_factory.mktemp("model")
    engine = TransformersEngine(Weights(str(make_family_model(folder, "qwen2", [], WINDOW))))
    with torch.no_grad():  # so that much depends on what is attended to
        for name, weight in engine.model.named_parameters():
            if "proj" in name:
                weight.mul_(20)
    return engine


def heads(n: int) -> list[list[int]]:
    """Prompts that share most of their tokens, with ends of very different lengths."""
    draw = torch.Generator().manual_seed(n)
    shared = torch.randint(10, 300, (30,), generator=draw).tolist()
    ends = [1, 2, 9, 20, 5, 28][:n]
    return [shared + torch.randint(10, 300, (k,), generator=draw).tolist() for k in ends]


def alone(engine, ids: list[int]):
    """Log-probabilities after the last token, in one pass without cache or padding."""
    with torch.inference_mode():
        return engine.model(torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1)


def test_the_window_matters_here(engine):
    assert has_windows(engine.model)
    ids = heads(6)[5]
    changed = [(token + 7) % 300 for token in ids[: -2 * WINDOW]] + ids[-2 * WINDOW :]
    assert torch.allclose(alone(engine, ids), alone(engine, changed), atol=1e-5)
    changed = ids[:-WINDOW] + [ids[-WINDOW] + 1, *ids[1 - WINDOW :]]
    assert not torch.allclose(alone(engine, ids), alone(engine, changed), atol=1e-3)


def test_next_tokens_do_not_depend_on_the_neighbours(engine):
    prompts = heads(6)
    for prompt, likeliest in zip(prompts, engine.next_token_logprobs(prompts, 500), strict=True):
        by_text = engine.next_token_logprobs([prompt], 500)[0]
        assert likeliest == pytest.approx(by_text, abs=1e-3)
        expected: Counter = Counter()  # of text, over all tokens that have it
        for token, value in enumerate(alone(engine, prompt).exp().tolist()):
            expected[engine.tokenizer.decode([token])] += value
        assert {t: math.exp(v) for t, v in likeliest.items()} == pytest.approx(expected, abs=1e-4)


def test_likelihoods_do_not_depend_on_the_neighbours(engine):
    prompts = heads(6)
    tails = [[7] * 25, [8], [9, 10], [11] * 14, [12, 13, 14], [15]]
    together = engine.log_likelihoods(prompts, tails)
    apart = [engine.log_likelihoods([p], [t])[0] for p, t in zip(prompts, tails, strict=True)]
    assert together == pytest.approx(apart, abs=1e-3)


def test_texts_do_not_depend_on_the_neighbours(engine):
    requests = [Request(prompt, 1.0, 30, i) for i, prompt in enumerate(heads(6))]
    together = engine.sample(requests, None)
    assert together == [engine.sample([request], None)[0] for request in requests]
    greedy = [Request(prompt, 0, 20, 0) for prompt in heads(6)]
    for request, each in zip(greedy, engine.sample(greedy, None), strict=True):
        ids = list(request.prompt)
        for _ in range(20):
            ids.append(int(alone(engine, ids).argmax()))
        assert each == engine.tokenizer.decode(ids[len(request.prompt) :], skip_special_tokens=True)
