"""TRL's trainers without what only feeds their logs: with small models that is much of a step."""

from trl import DPOTrainer, SFTTrainer
from trl.trainer.utils import add_fused_lm_head


class _CountsNoOperations:
    """Trainers walk through all modules at every step to count floating-point operations."""

    def floating_point_ops(self, inputs) -> int:
        return 0


class SupervisedTrainer(_CountsNoOperations, SFTTrainer):
    """SFTTrainer that computes the loss alone, no entropy and no accuracy of every token."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        if not self.aux_loss_enabled:
            add_fused_lm_head(self.model.get_base_model())

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        if self.aux_loss_enabled:  # a mixture of experts
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        return -outputs.log_probs.sum() / num_items_in_batch.clamp(min=1)


class PreferenceTrainer(_CountsNoOperations, DPOTrainer):
    """DPOTrainer for rows already tokenized, so that training sees the very ids of sampling.

    Its reference is a model of its own: TRL would change the policy's adapter to and fro.
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
