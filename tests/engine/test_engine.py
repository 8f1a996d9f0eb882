"""Every engine against plain transformers and peft, on models of real architectures.

The engines live in environments of their own: here run those that the interpreter has
(`make test-vllm` runs this file in vLLM's).
"""

import math
from collections import Counter
from importlib.util import find_spec

import pytest
from make_models import make_adapter, make_model

torch = pytest.importorskip("torch")

from scipy.stats import chisquare

from idempotence.engine.back_ends import open_engine
from idempotence.engine.base import Batch, NotFiniteError, Request
from idempotence.engine.formatting import prompt_ids
from idempotence.engine.models import Weights, load_model, load_tokenizer
from idempotence.engine.options import VllmOptions
from idempotence.errors import UserError

ENGINES = ["transformers", *(["vllm"] if find_spec("vllm") else [])]
OPTIONS = VllmOptions(memory_share=0.5, max_length=4096)
QUESTIONS = ["What should I cook tonight?", "My neighbour is loud again.", "Hello", "Why?" * 40]
RANKS = {"narrow": 4, "wide": 16}


@pytest.fixture(scope="module", params=["qwen3", "llama"])
def folder(request, tmp_path_factory):
    """A model, and its adapters in adapters/<name>; "broken" holds NaN."""
    folder = make_model(tmp_path_factory.mktemp("model") / request.param, request.param)
    model = load_model(Weights(str(folder)))
    for name, rank in RANKS.items():
        model = make_adapter(model, folder / "adapters" / name, rank)
    make_adapter(model, folder / "adapters" / "broken", 8, float("nan"))
    return folder


@pytest.fixture(scope="module", params=ENGINES)
def engine(request, folder):
    names = [*RANKS, "broken"]
    folders = [folder / "adapters" / name for name in names]
    return open_engine(request.param, Weights(str(folder)), folders, OPTIONS)


@pytest.fixture(scope="module")
def plain(folder):
    """Adapter's name or None -> the model under it, without any engine."""
    from peft import PeftModel

    adapted = {
        name: PeftModel.from_pretrained(
            load_model(Weights(str(folder))), folder / "adapters" / name
        ).eval()
        for name in RANKS
    }
    return {None: load_model(Weights(str(folder))), **adapted}


@pytest.fixture(scope="module")
def heads(folder) -> list[list[int]]:
    tokenizer = load_tokenizer(Weights(str(folder)))
    return [prompt_ids(tokenizer, question, "chat") for question in QUESTIONS]


def path_of(folder, name: str | None):
    return folder / "adapters" / name if name else None


def greedy(model, head: list[int], tokens: int) -> list[int]:
    ids = torch.tensor([head])
    generated = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=tokens
    )
    return generated[0, len(head) :].tolist()


def logprobs(model, ids: list[int]):
    """Natural log-probabilities after each token: (tokens, vocabulary)."""
    with torch.inference_mode():
        return model(torch.tensor([ids])).logits[0].log_softmax(-1)


def test_greedy_texts_of_all_adapters_in_one_call(engine, folder, plain, heads):
    names = [None, *RANKS]
    requests = [Request(head, 0, 10 + i, i) for i, head in enumerate(heads)]
    texts = engine.sample_batches([Batch(requests, path_of(folder, name)) for name in names])
    expected = [
        [
            engine.tokenizer.decode(
                greedy(plain[name], r.prompt, r.max_new_tokens), skip_special_tokens=True
            )
            for r in requests
        ]
        for name in names
    ]
    assert texts == expected
    assert len({tuple(of_adapter) for of_adapter in texts}) == len(
        names
    )  # each adapter changes something
    assert engine.sample(requests, None) == expected[0]  # and leaves the model as it was


def test_a_text_ends_at_the_end_token(engine, folder, plain, heads, monkeypatch):
    head, tokens, end = next(
        (head, tokens, token)
        for head in heads
        for tokens in [greedy(plain["wide"], head, 12)]
        for token in tokens
        if tokens.index(token) >= 2
    )
    monkeypatch.setattr(engine, "ends", frozenset({end}))
    texts = engine.sample([Request(head, 0, 12, 0)], path_of(folder, "wide"))
    assert texts == [engine.tokenizer.decode(tokens[: tokens.index(end)])]


def test_next_tokens_have_the_models_log_probabilities(engine, plain, heads):
    prompts = [*heads, heads[0][:-1], [*heads[0], 5]]  # some share their beginning
    for prompt, likeliest in zip(prompts, engine.next_token_logprobs(prompts, 20), strict=True):
        values, tokens = logprobs(plain[None], prompt)[-1].topk(20)
        texts = engine.tokenizer.batch_decode(tokens[:, None])
        expected: Counter = Counter()  # tokens that are parts of characters have one text
        for text, value in zip(texts, values.exp().tolist(), strict=True):
            expected[text] += value
        logs = {text: math.log(share) for text, share in expected.items()}
        assert likeliest == pytest.approx(logs, abs=1e-3)


def test_sampled_first_tokens_have_the_adapted_models_probabilities(engine, folder, plain, heads):
    n, temperature = 1500, 0.15
    requests = [Request(heads[0], temperature, 1, seed) for seed in range(n)]
    counts = Counter(engine.sample(requests, path_of(folder, "narrow")))
    shares = (logprobs(plain["narrow"], heads[0])[-1].double() / temperature).softmax(-1)
    expected = Counter()
    for token, share in enumerate(shares.tolist()):
        expected[engine.tokenizer.decode([token], skip_special_tokens=True)] += share * n
    common = [text for text, number in expected.items() if number >= 5]
    seen = [counts[text] for text in common] + [n - sum(counts[text] for text in common)]
    wanted = [expected[text] for text in common] + [n - sum(expected[text] for text in common)]
    assert len(common) > 20
    assert chisquare(seen, wanted).pvalue > 1e-3


def test_a_seeded_text_depends_on_its_own_request_alone(engine, folder, heads):
    adapter = path_of(folder, "wide")
    requests = [Request(heads[i % 3], 1.0, 2 + 5 * (i % 3), 100 + i) for i in range(18)]
    together = engine.sample(requests, adapter)
    assert engine.sample(requests, adapter) == together
    assert [engine.sample([request], adapter)[0] for request in requests] == together
    mixed = engine.sample_batches(
        [Batch(requests[::-1], adapter), Batch(requests, None), Batch([], adapter)]
    )
    assert mixed[0] == together[::-1] and mixed[2] == []
    assert len(set(together)) > 12
    reseeded = [Request(r.prompt, 1.0, r.max_new_tokens, r.seed + 1000) for r in requests]
    assert sum(a != b for a, b in zip(engine.sample(reseeded, adapter), together, strict=True)) > 12


def test_mean_log_likelihoods_are_those_of_the_model_unadapted(engine, folder, plain, heads):
    engine.sample([Request(heads[0], 1.0, 2, 0)], path_of(folder, "wide"))
    completions = [heads[1][:5], heads[2], heads[0][:1], []]
    means = engine.log_likelihoods(heads, completions)
    for head, tail, mean in zip(heads[:3], completions, means, strict=False):
        rows = logprobs(plain[None], [*head, *tail])
        each = [float(rows[len(head) - 1 + i, token]) for i, token in enumerate(tail)]
        assert mean == pytest.approx(sum(each) / len(each), abs=1e-3)
    assert math.isnan(means[3])


def test_the_output_layer_is_not_copied_for_each_row(engine, heads):
    """As torch does where a row has several tokens that are not in one piece of memory."""
    if not hasattr(engine, "model"):
        pytest.skip("vLLM has an output layer of its own")
    in_one_piece = []
    hook = engine.model.get_output_embeddings().register_forward_hook(
        lambda module, arguments, output: in_one_piece.append(arguments[0].is_contiguous())
    )
    engine.log_likelihoods(heads, [head[:3] for head in heads])
    engine.branch_logprobs(heads, [(5,), (6,), (5, 7)], 4)
    hook.remove()
    assert len(in_one_piece) >= 2 and all(in_one_piece)


@pytest.mark.parametrize("name", [None, "narrow"])
def test_samples_have_their_tokens_and_likelihood_at_temperature_1(
    engine, folder, plain, heads, name
):
    requests = [Request(head, 1.5, 1 + 4 * i, i) for i, head in enumerate(heads)]
    (drawn,) = engine.draw_batches([Batch(requests, path_of(folder, name))])
    assert [each.text for each in drawn] == engine.sample(requests, path_of(folder, name))
    for request, each in zip(requests, drawn, strict=True):
        assert 0 < len(each.tokens) <= request.max_new_tokens
        rows = logprobs(plain[name], [*request.prompt, *each.tokens])
        first = len(request.prompt) - 1
        known = [float(rows[first + i, token]) for i, token in enumerate(each.tokens)]
        assert each.loglik == pytest.approx(sum(known) / len(known), abs=2e-3)
        ended = each.tokens[-1] == engine.tokenizer.eos_token_id
        assert each.cut == (not ended)
        assert ended or len(each.tokens) == request.max_new_tokens


def test_a_broken_adapter_spoils_no_other(engine, folder, heads):
    requests = [Request(head, 1.0, 6, i) for i, head in enumerate(heads)]
    alone = engine.sample(requests, path_of(folder, "narrow"))
    names = ["narrow", "broken", None]
    texts = engine.sample_batches([Batch(requests, path_of(folder, name)) for name in names])
    assert isinstance(texts[1], NotFiniteError)
    assert texts[0] == alone and texts[2] == engine.sample(requests, None)
    with pytest.raises(NotFiniteError):
        engine.sample(requests, path_of(folder, "broken"))


@pytest.mark.parametrize("name", ENGINES)
def test_a_model_whose_logits_are_not_finite_says_so(name, tmp_path):
    folder = make_model(tmp_path / "model", "llama")
    model = load_model(Weights(str(folder)))
    with torch.no_grad():
        model.model.norm.weight.fill_(float("inf"))
    model.save_pretrained(folder)
    broken = open_engine(name, Weights(str(folder)), options=OPTIONS)
    with pytest.raises(NotFiniteError):
        broken.sample([Request([5, 6, 7], 1.0, 4, 0)], None)


@pytest.mark.skipif("vllm" not in ENGINES, reason="vLLM has an environment of its own")
def test_what_is_longer_than_vllm_keeps_memory_for_is_refused(folder):
    engine = open_engine("vllm", Weights(str(folder)), options=OPTIONS)
    with pytest.raises(UserError, match="engine.max_length"):
        engine.sample([Request([5] * 500, 1.0, 20, 0)], None)  # the model itself ends at 512
