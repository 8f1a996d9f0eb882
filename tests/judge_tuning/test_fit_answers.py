"""Training a judge: gradients through a shared rubric, and answers that are learnt."""

import random

import pytest
from make_models import make_model

from idempotence.engine.models import Weights, load_model
from idempotence.judge_tuning.fit import Question, _loss, fit_answers, steps_of
from idempotence.judge_tuning.recipe import Fit

RUBRIC = [5, 6, 7, 8, 9, 10, 11, 12]
FIT = Fit(rank=8, alpha=16, learning_rate=1e-2, warmup_steps=2, weight_decay=0.0, texts_per_step=4)


@pytest.fixture
def model(tmp_path):
    return load_model(Weights(str(make_model(tmp_path / "model", "llama"))))


def question(word: int, length: int = 3) -> Question:
    return Question("rubric", [*RUBRIC, *[word] * length], [30 + word % 2, 2])


def test_a_shared_rubric_is_read_once_with_the_same_gradient(model):
    import torch
    from peft import LoraConfig, get_peft_model

    batch = [question(20), question(21, 5), question(22, 2)]
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear")).eval()
    for weight in adapted.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)

    def gradients(questions, weights):
        adapted.zero_grad()
        sum(
            w * _loss(adapted, own, 0) for own, w in zip(questions, weights, strict=True)
        ).backward()
        return [p.grad.clone() for p in adapted.parameters() if p.requires_grad]

    together = gradients([batch], [1.0])
    apart = gradients([[each] for each in batch], [1 / 3] * 3)
    for one, other in zip(together, apart, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_answers_are_learnt(model):
    import torch

    model.get_input_embeddings().weight.data *= 20  # random ones are too small for a sure answer
    log = []
    questions = [question(20 + i % 8) for i in range(320)]
    adapted = fit_answers(model, questions, 0, FIT, 1, log.append)
    assert log[-1]["steps"] == 80
    assert log[-1]["loss"] < 0.5 < log[0]["loss"]
    for word in (20, 21):
        ids = torch.tensor([question(word).prompt])
        assert int(adapted(input_ids=ids).logits[0, -1].argmax()) == 30 + word % 2


def test_a_step_has_one_rubric():
    questions = [Question(f"rubric {i % 3}", [1], [2]) for i in range(20)]
    steps = steps_of(questions, 4, random.Random(0))
    assert sum(map(len, steps)) == 20
    assert all(len({q.rubric for q in step}) == 1 and len(step) <= 4 for step in steps)
