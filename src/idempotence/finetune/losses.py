"""What a step minimises: each cell's own loss, of the same numbers as TRL's trainers."""

from typing import Any, NamedTuple

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from idempotence.finetune.batches import Batch
from idempotence.finetune.data import IGNORED


def log_probabilities(model: Any, batch: Batch) -> torch.Tensor:
    """Natural log-probability of each target, 0 where there is none: (rows, tokens), float32.

    The output layer is computed where there are targets alone.
    """
    mask = batch.targets != IGNORED
    hook = model.get_output_embeddings().register_forward_pre_hook(
        lambda _, inputs: (inputs[0][mask.to(inputs[0].device)],)  # it may be on another GPU
    )
    try:
        logits = model(input_ids=batch.ids, use_cache=False).logits  # (targets, vocabulary)
    finally:
        hook.remove()
    targets = batch.targets[mask].to(logits.device)
    known = -cross_entropy(logits.float(), targets, reduction="none")
    return known.new_zeros(mask.shape).masked_scatter(mask.to(known.device), known)


def supervised_losses(log_probs: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy per token of each cell, in nats: (cells,).

    log_probs: (cells * rows, tokens). tokens: (cells,) targets of each cell's whole step.
    """
    return (0.0 - log_probs.view(len(tokens), -1).sum(1)) / tokens.clamp(min=1)  # never -0.0


class Preferences(NamedTuple):
    """Of each cell's pairs in a forward pass: (cells, pairs) each.

    losses: nats. rewards: of the chosen and of the rejected reply.
    """

    losses: torch.Tensor
    chosen: torch.Tensor
    rejected: torch.Tensor


def preference_losses(
    log_probs: torch.Tensor, reference: torch.Tensor, betas: torch.Tensor
) -> Preferences:
    """-log sigmoid(beta * (gain of the chosen reply - gain of the rejected one)).

    Rafailov et al. 2023, equation 7. A gain is the reply's summed log-probability over that of the
    reference. log_probs: (cells * 2 * pairs, tokens). reference: (cells, 2, pairs). betas:
    (cells,).
    """
    gains = log_probs.sum(1).view_as(reference) - reference
    chosen, rejected = (gains * betas[:, None, None]).unbind(1)
    return Preferences(-logsigmoid(chosen - rejected), chosen.detach(), rejected.detach())
