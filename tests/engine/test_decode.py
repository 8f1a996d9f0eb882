"""Sampling and reading probabilities in batches: the same as one by one, and as transformers."""

import math
from collections import Counter
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from scipy.stats import chisquare

from idempotence.engine import decode
from idempotence.engine.base import Batch, Request
from idempotence.engine.decode import (
    all_finite,
    keys_and_values,
    last_logits,
    left_padded,
    logprobs_of,
    pick,
    positions_of,
    shared_prefixes,
)
from idempotence.engine.formatting import prompt_ids
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights

MODEL = Path(__file__).parents[2] / "data" / "micro_world" / "instruct"
PROMPTS = ["how do i bake the pan ?", "why is my oven so salty ?", "is the pan cheap enough ?"]


@pytest.fixture(scope="module")
def engine() -> TransformersEngine:
    return TransformersEngine(Weights(str(MODEL)))


@pytest.fixture(scope="module")
def heads(engine) -> list[list[int]]:
    return [prompt_ids(engine.tokenizer, prompt, "chat") for prompt in PROMPTS]


def test_almost_greedy_sampling_equals_generate_of_transformers(engine, heads):
    texts = engine.sample([Request(head, 1e-4, 40, seed) for seed, head in enumerate(heads)], None)
    for head, text in zip(heads, texts, strict=True):
        ids = torch.tensor([head])
        greedy = engine.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=40
        )
        assert text == engine.tokenizer.decode(greedy[0, len(head) :], skip_special_tokens=True)
        assert len(text.split()) > 5


def test_a_text_depends_on_its_own_request_alone(engine, heads):
    requests = [Request(heads[i % 3], 1.0, 4 + 12 * (i % 5), 100 + i) for i in range(30)]
    together = engine.sample(requests, None)
    alone = [engine.sample([request], None)[0] for request in requests]
    assert together == alone
    assert len(set(together)) > 20
    assert engine.sample(requests[::-1], None) == together[::-1]
    for request, text in zip(requests, together, strict=True):
        assert len(text.split()) <= request.max_new_tokens


def test_a_text_of_no_tokens_has_no_likelihood(engine, heads):
    ((none, one),) = engine.draw_batches(
        [Batch([Request(heads[0], 1.0, 0, 1), Request(heads[0], 1.0, 1, 1)], None)]
    )
    assert none.text == "" and none.tokens == () and math.isnan(none.loglik)
    assert len(one.tokens) == 1 and one.loglik < 0


def test_a_prompt_that_is_asked_again_is_read_once(engine, heads):
    requests = [Request(heads[i % 2], 1.0, 3, i) for i in range(8)]
    shapes = []
    hook = engine.model.register_forward_pre_hook(
        lambda module, args, named: shapes.append(tuple(named["input_ids"].shape)), with_kwargs=True
    )
    try:
        engine.sample(requests, None)
    finally:
        hook.remove()
    assert shapes[:2] == [(2, max(map(len, heads[:2]))), (8, 1)]


def test_first_tokens_have_the_models_probabilities(engine, heads):
    n, temperature = 3000, 0.8
    requests = [Request(heads[0], temperature, 1, seed) for seed in range(n)]
    counts = Counter(engine.sample(requests, None))
    logits = last_logits(engine.model, heads[:1], [[0]], engine.tokenizer.pad_token_id)[0]
    expected = Counter()
    for token, share in enumerate((logits.double() / temperature).softmax(-1).tolist()):
        expected[engine.tokenizer.decode([token], skip_special_tokens=True)] += share * n
    common = [text for text, number in expected.items() if number >= 5]
    seen = [counts[text] for text in common]
    rest = n - sum(seen)
    pairs = [*zip(seen, [expected[text] for text in common], strict=True)]
    pairs.append((rest, n - sum(expected[text] for text in common)))
    observed, wanted = zip(*pairs, strict=True)
    assert len(common) > 5
    assert chisquare(observed, wanted).pvalue > 1e-3


def test_a_token_without_probability_is_never_picked():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).repeat(3, 1)
    heat = torch.ones(3, dtype=torch.float64)
    assert pick(logits, heat, torch.tensor([0.0, 0.5, 0.99999994])).tolist() == [1, 3, 3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_many_logits_are_worked_on_in_parts_to_the_same_bits(monkeypatch, dtype):
    generator = torch.Generator().manual_seed(1)
    logits = (4 * torch.randn(37, 1000, generator=generator)).to(dtype)
    heat = torch.tensor([0.0, 0.7, 1.0] * 12 + [0.7], dtype=torch.float64)
    draws = torch.rand(37, generator=generator)
    whole = pick(logits, heat, draws)
    likely = logprobs_of(logits, whole)
    monkeypatch.setattr(decode, "CACHED", 5000)
    assert torch.equal(pick(logits, heat, draws), whole)
    assert torch.equal(logprobs_of(logits, whole), likely)


def test_a_logit_that_is_not_finite_marks_its_row():
    logits = torch.full((4, 3), 3.3e38)
    logits[1, 2], logits[2, 0], logits[3, 1] = math.nan, math.inf, -math.inf
    assert all_finite(logits).tolist() == [True, False, False, False]


def test_what_prompts_share_is_read_once_and_changes_nothing(engine, heads):
    pad = engine.tokenizer.pad_token_id
    a, b = heads[0], heads[1]
    sequences = [[*a, 5], [*a, 6, 7, 8], a, b, [3]]
    groups = shared_prefixes(sequences)
    assert groups == [[0, 1, 2], [3], [4]]
    together = last_logits(engine.model, sequences, groups, pad)
    with torch.inference_mode():
        for row, sequence in zip(together, sequences, strict=True):
            alone = engine.model(torch.tensor([sequence])).logits[0, -1]
            assert torch.allclose(row, alone, atol=1e-4)
    assert last_logits(engine.model, [[3]], [[0]], pad).shape == (1, engine.model.config.vocab_size)


def test_reading_leaves_the_keys_and_values_of_a_whole_pass_and_computes_no_more(engine, heads):
    from transformers import DynamicCache

    model, pad = engine.model, engine.tokenizer.pad_token_id
    ids, mask = left_padded(heads[:3], pad, model.device)
    whole = DynamicCache(config=model.config)
    seen = []
    hook = model.model.layers[-1].mlp.register_forward_hook(lambda *_: seen.append(1))
    try:
        with torch.inference_mode():
            cache = keys_and_values(model, ids, mask)
            assert not seen
            model(
                input_ids=ids, attention_mask=mask, position_ids=positions_of(mask),
                past_key_values=whole, use_cache=True,
            )  # fmt: skip
            assert seen
            for mine, its in zip(cache.layers, whole.layers, strict=True):
                assert torch.equal(mine.keys, its.keys) and torch.equal(mine.values, its.values)
            # the cache is an ordinary one again
            more = {"input_ids": ids[:, :1], "position_ids": positions_of(mask)[:, -1:] + 1}
            logits = [
                model(**more, past_key_values=c, use_cache=True).logits for c in (cache, whole)
            ]
            assert torch.equal(*logits) and cache.get_seq_length() == ids.shape[1] + 1
    finally:
        hook.remove()


def test_a_cache_with_room_holds_what_a_plain_one_holds(engine, heads):
    from transformers import DynamicCache

    from idempotence.engine.cache import ROOM, growing_cache

    model, pad = engine.model, engine.tokenizer.pad_token_id
    ids, mask = left_padded(heads, pad, model.device)
    caches = [growing_cache(model.config), DynamicCache(config=model.config)]
    with torch.inference_mode():
        for step in range(2 * ROOM):
            logits = [
                model(
                    input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True
                ).logits[:, -1]
                for cache in caches
            ]  # fmt: skip
            assert torch.allclose(*logits, atol=1e-5)
            for mine, its in zip(caches[0].layers, caches[1].layers, strict=True):
                assert torch.allclose(mine.keys, its.keys, atol=1e-5)
                assert torch.allclose(mine.values, its.values, atol=1e-5)
            assert caches[0].get_seq_length() == caches[1].get_seq_length() == mask.shape[1]
            ids = logits[1].argmax(-1)[:, None]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], -1)
            if step in (0, 5):  # rows are copied, then dropped
                rows = torch.tensor([0, 0, 2, 1] if step == 0 else [1, 3])
                ids, mask = ids[rows], mask[rows]
                for cache in caches:
                    cache.batch_select_indices(rows)


def test_likelihoods_of_completions_of_any_length(engine, heads):
    tails = [[7, 9, 4], [], [5], [11, 4]]
    prompts = [heads[0], heads[1], [3], heads[2] * 3]
    means = engine.log_likelihoods(prompts, tails)
    assert means[1] != means[1], "nothing was written"
    for prompt, tail, mean in zip(prompts, tails, means, strict=True):
        if tail:
            with torch.inference_mode():
                logprobs = engine.model(torch.tensor([prompt + tail])).logits[0].log_softmax(-1)
            own = logprobs[range(len(prompt) - 1, len(prompt) + len(tail) - 1), tail]
            assert mean == pytest.approx(float(own.mean()), abs=1e-4)
    assert engine.log_likelihoods([[3], [3, 4]], [[], []]) == pytest.approx(
        [float("nan")] * 2, nan_ok=True
    )
    assert engine.log_likelihoods([], []) == []
