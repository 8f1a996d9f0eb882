"""Sampling from a loaded model, and reading its next-token probabilities, in batches.

`generate` of transformers draws the same distribution; for small models most of its time is
spent around the forward passes (benchmarks/stages.py), and it carries finished rows to the end.
"""

from collections.abc import Sequence

from idempotence.engine.base import NotFiniteError, Request

COMPACT_BELOW = 0.9  # finished rows are dropped once so small a share of the batch still writes


def left_padded(sequences: Sequence[Sequence[int]], pad: int, device):
    """(ids, mask), each (rows, width): the last column is the last token of every row."""
    import torch

    width = max(len(row) for row in sequences)
    ids = [[pad] * (width - len(row)) + list(row) for row in sequences]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in sequences]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def positions_of(mask):
    """Position of each token in its row, padding not counted; mask: (rows, width)."""
    return (mask.cumsum(-1) - 1).clamp(min=0)


def uniforms(requests: Sequence[Request]):
    """Numbers in [0, 1) from each request's own seed: (most new tokens of any, requests)."""
    import torch

    most = max(request.max_new_tokens for request in requests)
    rows = [
        torch.rand(most, generator=torch.Generator().manual_seed(request.seed))
        for request in requests
    ]
    return torch.stack(rows, 1)


def pick(logits, temperature, uniform):
    """The token at each row's `uniform` (in [0, 1)) of the cumulated probabilities.

    logits: (rows, vocabulary); temperature, uniform: (rows,). At temperature 0 the likeliest.
    """
    import torch

    greedy = temperature == 0
    heat = temperature.masked_fill(greedy, 1)[:, None]
    wide = logits.double()
    scaled = wide if bool((heat == 1).all()) else wide / heat
    cumulated = torch.softmax(scaled, -1).cumsum(-1)
    target = uniform.to(cumulated)[:, None] * cumulated[:, -1:]
    drawn = torch.searchsorted(cumulated, target, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
    return torch.where(greedy, logits.argmax(-1), drawn) if greedy.any() else drawn


def sample_tokens(model, requests: Sequence[Request], pad: int, eos: int) -> list[list[int]]:
    """New tokens for each request up to the end token, which is left out.

    Raises NotFiniteError when a logit is NaN or infinite.
    """
    import torch
    from transformers import DynamicCache

    device = model.device
    draws = uniforms(requests).to(device)
    heat = torch.tensor([r.temperature for r in requests], device=device, dtype=torch.float64)
    prompts = {tuple(request.prompt): None for request in requests}  # each is read once
    ids, mask = left_padded(list(prompts), pad, device)
    position = positions_of(mask)
    cache = DynamicCache(config=model.config)
    rows = torch.arange(len(requests), device=device)  # the request of each row of the batch
    written: list[list[int]] = [[] for _ in requests]
    for step in range(len(draws)):
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=position,
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        ).logits[:, -1].double()  # fmt: skip
        if step == 0 and len(prompts) < len(requests):
            number = {prompt: i for i, prompt in enumerate(prompts)}
            copies = torch.tensor([number[tuple(request.prompt)] for request in requests])
            cache.batch_select_indices(copies)
            logits, position, mask = logits[copies], position[copies], mask[copies]
        if not bool(torch.isfinite(logits.sum())):  # no finite float32s add up to infinity here
            raise NotFiniteError("the model's logits are not finite")
        token = pick(logits, heat[rows], draws[step, rows])
        writing = []
        for i, (row, number) in enumerate(zip(rows.tolist(), token.tolist(), strict=True)):
            most = requests[row].max_new_tokens
            if number != eos and len(written[row]) == step < most:  # shorter: it has ended before
                written[row].append(number)
                if step + 1 < most:
                    writing.append(i)
        if not writing:
            break
        ids, position = token[:, None], position[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], -1)
        if len(writing) < COMPACT_BELOW * len(rows):
            keep = torch.tensor(writing)  # on the CPU: layers of the cache may lie on several GPUs
            cache.batch_select_indices(keep)
            ids, position, mask, rows = ids[keep], position[keep], mask[keep], rows[keep]
    return written


def shared_prefixes(sequences: Sequence[list[int]]) -> list[list[int]]:
    """Indices of neighbours that have at least half of their tokens in common with the first."""
    groups: list[list[int]] = []
    for i in range(len(sequences)):
        if groups:
            first = sequences[groups[-1][0]]
            shared = common_length(first, sequences[i])
            if 2 * shared >= max(len(first), len(sequences[i])):
                groups[-1].append(i)
                continue
        groups.append([i])
    return groups


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two sequences share from their beginning."""
    for i, (a, b) in enumerate(zip(first, second, strict=False)):
        if a != b:
            return i
    return min(len(first), len(second))


class _AllRead(Exception):
    """The last layer's keys and values are in the cache."""


def keys_and_values(model, ids, mask):
    """A cache that holds them for all tokens; ids, mask: (rows, width), width 0 for none.

    No logits are asked for, so the pass is left once the last layer has its keys and values: its
    attention, its feed-forward network and the output layer are not computed.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config)
    if ids.shape[1] == 0:
        return cache
    last, update = len(cache.layers) - 1, cache.update

    def update_and_leave(keys, values, layer_idx, *rest, **named):
        updated = update(keys, values, layer_idx, *rest, **named)
        if layer_idx == last:
            raise _AllRead
        return updated

    cache.update = update_and_leave
    try:
        model(
            input_ids=ids, attention_mask=mask, position_ids=positions_of(mask),
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
    except _AllRead:
        pass
    finally:
        del cache.update
    return cache


def last_logits(model, sequences: Sequence[list[int]], groups: list[list[int]], pad: int):
    """Logits after the last token of each sequence, in the order of `groups`: (rows, vocabulary).

    What the members of a group share is read once; each keeps at least one token of its own.
    """
    import torch

    heads, tails = [], []
    for group in groups:
        members = [sequences[i] for i in group]
        shared = min(common_length(members[0], member) for member in members)
        shared = max(min(shared, min(len(member) for member in members) - 1), 0)
        heads.append(members[0][:shared])
        tails += [member[shared:] for member in members]
    ids, mask = left_padded(heads, pad, model.device)
    cache = keys_and_values(model, ids, mask)
    copies = torch.tensor([g for g, group in enumerate(groups) for _ in group])
    cache.batch_select_indices(copies)
    ids, own = left_padded(tails, pad, model.device)
    whole = torch.cat([mask[copies], own], -1)
    return model(
        input_ids=ids, attention_mask=whole, position_ids=positions_of(whole)[:, -ids.shape[1] :],
        past_key_values=cache, use_cache=True, logits_to_keep=1,
    ).logits[:, -1]  # fmt: skip
