"""Training a judge: gradients through a shared rubric, and answers that are learnt."""

import random

import pytest
from make_models import make_model

from idempotence.engine.models import Weights, load_model
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.judge_tuning import fit
from idempotence.judge_tuning.fit import Question, _loss, adapted_by, fit_answers, steps_of
from idempotence.judge_tuning.recipe import Fit

RATE = 1e-2
RUBRIC = [5, 6, 7, 8, 9, 10, 11, 12]
FIT = Fit(
    rank=8,
    alpha=16,
    warmup_steps=2,
    weight_decay=0.0,
    texts_per_step=4,
    modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    threads=1,
)


@pytest.fixture
def model(tmp_path):
    return load_model(Weights(str(make_model(tmp_path / "model", "llama"))))


def question(word: int, length: int = 3) -> Question:
    return Question("rubric", [*RUBRIC, *[word] * length], [30 + word % 2, 2])


def test_a_shared_rubric_is_read_once_with_the_same_loss(model):
    import torch
    from peft import LoraConfig, get_peft_model

    batch = [question(20), question(21, 5), question(22, 2)]
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear")).eval()
    for weight in adapted.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)
    apart = torch.stack([_loss(adapted, [each], 0) for each in batch])
    assert torch.allclose(_loss(adapted, batch, 0), apart.mean(), atol=1e-5)


def test_neighbours_in_a_step_change_no_gradient(model):
    """Longer ones fill a row with padding; the rubric is read without a gradient in any case."""
    import torch
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear")).eval()
    for weight in adapted.parameters():
        if weight.requires_grad:
            torch.nn.init.normal_(weight, std=0.1)

    def gradients(questions):
        adapted.zero_grad()
        for weight, batch in questions:
            (weight * _loss(adapted, batch, 0)).backward()
        return [p.grad.clone() for p in adapted.parameters() if p.requires_grad]

    # in pairs so that all steps share the rubric and nothing more
    pairs = [[question(20), question(21, 5)], [question(22), question(23, 2)]]
    together = gradients([(1.0, [each for pair in pairs for each in pair])])
    apart = gradients([(0.5, pair) for pair in pairs])
    for one, other in zip(together, apart, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_answers_are_learnt(model):
    import torch

    model.get_input_embeddings().weight.data *= 20  # random ones are too small for a sure answer
    questions = [question(20 + i % 8) for i in range(320)]
    adapted = adapted_by(model, FIT, 1)
    log = fit_answers(adapted, questions, 0, FIT, RATE, 1, Checkpoints(None))
    assert log[-1]["steps"] == 80
    assert log[-1]["loss"] < 0.5 < log[0]["loss"]
    for word in (20, 21):
        ids = torch.tensor([question(word).prompt])
        assert int(adapted(input_ids=ids).logits[0, -1].argmax()) == 30 + word % 2


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_interrupted_training_goes_on_to_the_same_end(tmp_path, monkeypatch, dtype):
    import torch

    folder = make_model(tmp_path / "model", "llama")
    questions = [question(20 + i % 8, 1 + i % 3) for i in range(80)]

    def weights(checkpoints):
        model = load_model(Weights(str(folder), None, dtype))
        adapted = adapted_by(model, FIT, 1)
        log = fit_answers(adapted, questions, 0, FIT, RATE, 1, checkpoints)
        return [p.detach().clone() for p in adapted.parameters() if p.requires_grad], log

    whole, log = weights(Checkpoints(None))
    taken, take = [], fit._State.take

    def broken(state, *rest):
        take(state, *rest)
        taken.append(state.step)
        if len(taken) == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(fit._State, "take", broken)
    with pytest.raises(KeyboardInterrupt):
        weights(Checkpoints(tmp_path / "scratch", "key", seconds=0.0))
    resumed, its_log = weights(Checkpoints(tmp_path / "scratch", "key", seconds=0.0))
    assert taken[7] > 1  # it did not begin again
    assert [e["loss"] for e in its_log] == [e["loss"] for e in log]
    assert all(torch.equal(one, other) for one, other in zip(whole, resumed, strict=True))


def test_a_step_has_one_rubric():
    questions = [Question(f"rubric {i % 3}", [1], [2]) for i in range(20)]
    steps = steps_of(questions, 4, random.Random(0))
    assert sum(map(len, steps)) == 20
    assert all(len({q.rubric for q in step}) == 1 and len(step) <= 4 for step in steps)
