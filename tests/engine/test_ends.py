"""Sampling stops where the model's turns end, training ends rows there: for both engines."""

import sys
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")

from make_templates import FAMILIES, make_family, make_family_model

from idempotence.engine.base import Batch, Request
from idempotence.engine.formatting import ids_of_rows, prompt_ids
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights, end_tokens, load_tokenizer
from idempotence.engine.options import VllmOptions
from idempotence.engine.vllm import VllmEngine
from idempotence.errors import UserError

# What generation_config.json lists beside the tokenizer's own end token.
LISTED = {"llama3": ["<|end_of_text|>", "<|end_header_id|>"], "gemma": ["<eos>", "<end_of_turn>"]}


@pytest.fixture(scope="module", params=LISTED)
def made(request, tmp_path_factory):
    """(family, weights of a model of random weights, its tokenizer)"""
    folder = tmp_path_factory.mktemp("model") / request.param
    make_family_model(folder, request.param, ends=LISTED[request.param])
    weights = Weights(str(folder))
    return request.param, weights, load_tokenizer(weights)


def ends_of(name: str, tokenizer) -> set[int]:
    texts = {FAMILIES[name].turn_end, FAMILIES[name].eos, *LISTED[name]}
    return set(tokenizer.convert_tokens_to_ids(sorted(texts)))


def test_both_engines_stop_at_all_end_tokens(made, monkeypatch):
    name, weights, tokenizer = made
    ends = ends_of(name, tokenizer)
    engine = TransformersEngine(weights)
    assert engine.ends == end_tokens(weights, tokenizer) == ends
    sampling = SimpleNamespace(SamplingParams=lambda **how: SimpleNamespace(**how))
    monkeypatch.setitem(sys.modules, "vllm", sampling)
    how = VllmEngine(weights, VllmOptions())._sampling(Request([1], 1.0, 4, 0))
    assert set(how.stop_token_ids) == ends and how.ignore_eos


def test_a_text_stops_at_whichever_end_comes_first(made):
    """At a temperature that makes all tokens about as likely."""
    name, weights, tokenizer = made
    ends, engine = ends_of(name, tokenizer), TransformersEngine(weights)
    head = prompt_ids(tokenizer, "Hello", "chat")
    (drawn,) = engine.draw_batches([Batch([Request(head, 50.0, 400, i) for i in range(60)], None)])
    stopped = [each.tokens for each in drawn if len(each.tokens) < 400]
    assert len(stopped) > 30
    assert all(not ends & set(tokens[:-1]) for tokens in stopped)
    assert {tokens[-1] for tokens in stopped} == ends
    for each in drawn:
        written = each.tokens[:-1] if each.tokens[-1] in ends else each.tokens
        assert each.cut == (each.tokens[-1] not in ends)
        assert each.text == tokenizer.decode(written, skip_special_tokens=True)


def test_rows_end_with_the_turns_end_at_which_sampling_stops(made):
    name, weights, tokenizer = made
    _, ((tail,),) = ids_of_rows(tokenizer, ["Hello"], [["so"]], "chat")
    assert tail[-1] == tokenizer.convert_tokens_to_ids(FAMILIES[name].turn_end)
    assert tail[-1] in end_tokens(weights, tokenizer)
    _, ((document,),) = ids_of_rows(tokenizer, ["Hello"], [["so"]], "document")
    assert document[-1] == tokenizer.eos_token_id


def test_a_folder_without_a_generation_config_has_the_models_own_end(made, tmp_path):
    folder = make_family_model(tmp_path / "m", "qwen3", ends=["<|endoftext|>"])
    (folder / "generation_config.json").unlink()
    tokenizer = make_family("qwen3")
    ends = {"<|im_end|>", "<|endoftext|>"}
    ids = {tokenizer.convert_tokens_to_ids(end) for end in ends}
    assert end_tokens(Weights(str(folder)), tokenizer) == ids


def test_a_tokenizer_without_an_end_token_is_one_message(tmp_path):
    folder = make_family_model(tmp_path / "m", "qwen3", ends=[])
    tokenizer = make_family("qwen3")
    tokenizer.eos_token = None
    tokenizer.save_pretrained(folder)
    with pytest.raises(UserError, match=r"no end token.*eos_token"):
        load_tokenizer(Weights(str(folder)))
    with pytest.raises(UserError, match="cannot be loaded"):
        load_tokenizer(Weights(str(tmp_path)))
