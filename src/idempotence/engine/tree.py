"""What may follow a text and each of a few continuations of it, in one pass."""

from collections.abc import Sequence

from idempotence.engine.decode import positions_of, read_prefixes

Branch = tuple[int, ...]  # token ids that may follow a text


def tree_logits(
    model,
    sequences: Sequence[list[int]],
    groups: Sequence[Sequence[int]],
    branches: Sequence[Branch],
    pad: int,
):
    """Logits after each sequence and after each of its branches: (rows, 1 + branches, vocabulary).

    Rows are in the order of `groups`; what the members of a group share is read once. Each branch
    is a branch before it with one token more, or one token. Its token sees the text and the
    branch that it goes on from, not the other branches (tree attention: Miao et al. 2024,
    SpecInfer). For models that look at all tokens, with attention that takes a mask.
    """
    import torch

    ids, before, cache = read_prefixes(model, sequences, groups, pad)
    width = ids.shape[1]
    positions = positions_of(before)
    added = torch.tensor([branch[-1] for branch in branches], device=model.device)
    depths = torch.tensor([len(branch) for branch in branches], device=model.device)
    ids = torch.cat([ids, added.expand(len(ids), -1)], -1)
    positions = torch.cat([positions[:, -width:], positions[:, -1:] + depths], -1)
    return model(
        input_ids=ids, attention_mask=_bias(model, before, width, branches),
        position_ids=positions, past_key_values=cache, use_cache=True,
        logits_to_keep=1 + len(branches),
    ).logits  # fmt: skip


def _bias(model, before, width: int, branches: Sequence[Branch]):
    """What is added to attention: 0 where a token sees another, else the least number.

    before: (rows, tokens of the text), 1 where a token is no padding. width: how many of these are
    queries. Returns (rows, 1, width + branches, tokens + branches).
    """
    import torch

    rows, tokens = before.shape
    count = len(branches)
    sees = torch.zeros(width + count, tokens + count, dtype=torch.bool, device=before.device)
    sees[:, :tokens] = torch.ones_like(sees[:, :tokens]).tril(tokens - width)
    for i, branch in enumerate(branches):
        for j, other in enumerate(branches):
            sees[width + i, tokens + j] = branch[: len(other)] == other
    padded = torch.cat([before.bool(), before.new_ones(rows, count).bool()], -1)
    sees = sees & padded[:, None, :]
    # padding sees itself alone: a row of attention must have something to look at
    own = torch.arange(width, device=before.device)
    sees[:, own, own + tokens - width] = True
    bias = torch.zeros(sees.shape, dtype=model.dtype, device=before.device)
    return bias.masked_fill(~sees, torch.finfo(model.dtype).min)[:, None]
