"""What the lean trainers change of a model is undone."""

import pytest

torch = pytest.importorskip("torch")

from make_training import LORA

from idempotence.finetune.adapters import attach
from idempotence.finetune.trainers import walked_once


def test_a_model_is_itself_again_after_it_was_walked_once(model):
    model = attach(model, LORA, None).eval()
    every = list(model.parameters())
    with walked_once(model):
        trained = list(model.parameters())
        assert trained == [weight for weight in every if weight.requires_grad] != every
        assert all(module.training for module in model.modules())
        model.eval()
        assert not any(module.training for module in model.modules())
        model.train()
        assert all(module.training for module in model.modules())
        trained[0].grad = torch.ones_like(trained[0])
        model.zero_grad()
        assert trained[0].grad is None
    assert list(model.parameters()) == every
    assert not {"train", "zero_grad", "parameters"} & set(vars(model))
