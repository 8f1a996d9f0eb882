"""A tiny model for all tests of training."""

import pytest
from make_training import make_micro_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> str:
    """The folder of a tiny random model with the micro world's tokenizer."""
    return make_micro_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def model(folder):
    from idempotence.engine.models import Weights, load_model

    return load_model(Weights(folder))


@pytest.fixture
def tokenizer(folder):
    from idempotence.engine.models import Weights, load_tokenizer

    return load_tokenizer(Weights(folder))
