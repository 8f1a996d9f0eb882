"""TRL's trainers without what only feeds their logs: with small models that is much of a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trl import DPOTrainer, SFTTrainer
from trl.trainer.utils import add_fused_lm_head


@contextmanager
def walked_once(model) -> Iterator[None]:
    """The model holds its trained weights and its mode in a cache.

    Trainers ask for them four times per step, and each time walk through all modules. Within the
    context `parameters` yields the trained weights alone.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad]

    def train(mode: bool = True):
        return model if mode == model.training else type(model).train(model, mode)

    def zero_grad(set_to_none: bool = True) -> None:
        for weight in trained:
            weight.grad = None

    type(model).train(model)  # all modules, whatever their modes are
    own: dict[str, Any] = {
        "train": train,
        "zero_grad": zero_grad,
        "parameters": lambda: iter(trained),
    }
    vars(model).update(own)
    try:
        yield
    finally:
        for name in own:
            del vars(model)[name]


class _Lean:
    """A trainer that walks through the model's modules once before its steps, not at each."""

    def floating_point_ops(self, inputs) -> int:
        return 0

    def _run_epoch(self, model, *arguments, **named) -> None:
        with walked_once(model):
            super()._run_epoch(model, *arguments, **named)  # type: ignore[misc]  # Trainer's


class SupervisedTrainer(_Lean, SFTTrainer):
    """SFTTrainer that computes the loss alone, without every token's entropy and accuracy."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        if not self.aux_loss_enabled:
            add_fused_lm_head(self.model.get_base_model())

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        if self.aux_loss_enabled:  # a mixture of experts
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        return -outputs.log_probs.sum() / num_items_in_batch.clamp(min=1)


class PreferenceTrainer(_Lean, DPOTrainer):
    """DPOTrainer for rows of token ids, so that training sees the same ids as sampling.

    Its reference is a model of its own. TRL's way would switch the policy's adapter at each batch.
    """

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.precompute_ref_logps = True  # here: in the batch, just before they are used

    def _prepare_dataset(self, dataset, processing_class, args, dataset_name):
        return dataset

    def _compute_loss(self, model, inputs, return_outputs):
        chosen, rejected = self.compute_ref_log_probs(self.ref_model, inputs)
        inputs = {**inputs, "ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
        return super()._compute_loss(model, inputs, return_outputs)
