"""Sampling from a loaded model, and reading its next-token probabilities, in batches.

`generate` of transformers draws the same distribution; for small models most of its time is
spent around the forward passes (benchmarks/stages.py), and it carries finished rows to the end.
"""

from collections.abc import Callable, Container, Sequence
from math import fsum, nan

from idempotence.engine.base import NotFiniteError, Request

Drawn = tuple[list[int], float]  # tokens, and their mean log-probability at temperature 1
COMPACT_BELOW = 0.9  # finished rows are dropped once so small a share of the batch still writes
CACHED = 2**19  # logits worked on at a time: what is made of them stays in a processor's cache


def left_padded(sequences: Sequence[Sequence[int]], pad: int, device, width: int = 0):
    """(ids, mask), each (rows, width): the last column is the last token of every row.

    width: the least, in tokens; that of the longest row where that is more.
    """
    import torch

    width = max(width, *(len(row) for row in sequences))
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


def in_parts(function: Callable, logits, *others):
    """function(logits, *others), on a CPU for some rows at a time where there are many logits.

    logits: (rows, vocabulary); others: (rows, ...). function works on each row alone.
    """
    import torch

    if logits.device.type != "cpu" or logits.numel() <= CACHED:
        return function(logits, *others)
    rows = max(CACHED // logits.shape[-1], 1)
    parts = zip(*(each.split(rows) for each in (logits, *others)), strict=True)
    return torch.cat([function(*part) for part in parts])


def pick(logits, temperature, uniform):
    """The token at each row's `uniform` (in [0, 1)) of the cumulated probabilities.

    logits: (rows, vocabulary); temperature, uniform: (rows,). At temperature 0 the likeliest.
    """
    return in_parts(_pick, logits, temperature, uniform)


def _pick(logits, temperature, uniform):
    import torch

    greedy = temperature == 0
    heat = temperature.masked_fill(greedy, 1).float()[:, None]
    wide = logits.float()
    scaled = (wide - wide.amax(-1, keepdim=True)) / heat
    cumulated = scaled.exp_().cumsum(-1, dtype=torch.float64)
    target = uniform.to(cumulated)[:, None] * cumulated[:, -1:]
    drawn = torch.searchsorted(cumulated, target, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)
    return torch.where(greedy, logits.argmax(-1), drawn) if greedy.any() else drawn


def sample_cells(
    model,
    cells: Sequence[Sequence[Request]],
    pad: int,
    ends: Container[int],
    share: Callable[[Sequence[int]], None] = lambda counts: None,
    width: int = 0,
) -> list[list[Drawn] | NotFiniteError]:
    """New tokens for each request of each cell, all in one batch, up to one of `ends`, it included.

    The rows of a cell lie side by side, in the order of `cells`; before each pass with other rows
    than the last one's `share` gets how many each cell has. width: prompts are padded to it, in
    tokens, where none is longer. Which rows of a cell are in the batch depends on that cell alone,
    so that its products with weights of its own have the same shape whatever the other cells do.
    In the place of a cell with a logit that is NaN or infinite stands the error.
    """
    import torch

    from idempotence.engine.cache import growing_cache

    device = model.device
    requests = [request for cell in cells for request in cell]
    if not requests:
        return [[] for _ in cells]
    rows = _Rows(cells, ends)
    draws = uniforms(requests).to(device)
    heat = torch.tensor([r.temperature for r in requests], device=device, dtype=torch.float64)
    prompts, copies = _read_once(cells)
    share([len(own) for own in prompts])
    ids, mask = left_padded([prompt for own in prompts for prompt in own], pad, device, width)
    position = positions_of(mask)
    cache = growing_cache(model.config)
    numbers = torch.arange(len(requests), device=device)  # the request of each row of the batch
    logprobs = torch.zeros(len(draws), len(requests), device=device)
    for step in range(len(draws)):
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=position,
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        ).logits[:, -1]  # fmt: skip
        if step == 0 and len(copies) > len(ids):
            cache.batch_select_indices(copies)
            logits, position, mask = logits[copies], position[copies], mask[copies]
            share(rows.counts())
        rows.check(all_finite(logits))
        token = pick(logits, heat[numbers], draws[step, numbers])
        logprobs[step, numbers] = logprobs_of(logits, token)
        rows.write(token.tolist())
        if rows.finished():
            break
        ids, position = token[:, None], position[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], -1)
        kept = rows.drop_finished()
        if kept is not None:
            keep = torch.tensor(kept)  # on the CPU: layers of the cache may lie on several GPUs
            cache.batch_select_indices(keep)
            ids, position, mask, numbers = ids[keep], position[keep], mask[keep], numbers[keep]
            share(rows.counts())
    return rows.results(logprobs.t().tolist())


def logprobs_of(logits, token):
    """Natural log-probability of each row's token; logits: (rows, vocabulary); token: (rows,)."""
    return in_parts(_logprobs_of, logits, token)


def all_finite(logits):
    """Whether each row's logits are; (rows, vocabulary) -> (rows,). Both extremes pass NaN on."""
    return logits.amax(-1).isfinite() & logits.amin(-1).isfinite()


def _logprobs_of(logits, token):
    wide = logits.float()
    return wide.gather(-1, token[:, None])[:, 0] - wide.logsumexp(-1)


def _read_once(cells: Sequence[Sequence[Request]]):
    """(each cell's different prompts, for each request the number of its prompt among all)."""
    import torch

    prompts = [list(dict.fromkeys(tuple(request.prompt) for request in own)) for own in cells]
    keys = [(i, prompt) for i, own in enumerate(prompts) for prompt in own]
    number = {key: n for n, key in enumerate(keys)}
    copies = [number[i, tuple(request.prompt)] for i, own in enumerate(cells) for request in own]
    return prompts, torch.tensor(copies)


class _Rows:
    """The rows of a batch: whose they are, what is written in them, and which have ended."""

    def __init__(self, cells: Sequence[Sequence[Request]], ends: Container[int]):
        self.ends, self.broken = ends, set[int]()
        self.most = [request.max_new_tokens for own in cells for request in own]
        self.cell = [i for i, own in enumerate(cells) for _ in own]
        self.sizes = [len(own) for own in cells]
        self.rows = list(range(len(self.cell)))  # the request of each row of the batch
        self.writing = [most > 0 for most in self.most]
        self.written: list[list[int]] = [[] for _ in self.cell]  # the end token too

    def counts(self) -> list[int]:
        """How many rows of the batch each cell has."""
        counts = [0] * len(self.sizes)
        for row in self.rows:
            counts[self.cell[row]] += 1
        return counts

    def check(self, finite) -> None:
        """finite: (rows,), whether a row's logits are. The cell of one that is not is broken."""
        if not bool(finite.all()):
            bad = (~finite).nonzero()[:, 0].tolist()
            self.broken |= {self.cell[self.rows[i]] for i in bad}

    def write(self, tokens: Sequence[int]) -> None:
        """tokens: the next one of each row of the batch."""
        for row, token in zip(self.rows, tokens, strict=True):
            if self.writing[row]:
                self.written[row].append(token)
                self.writing[row] = (
                    token not in self.ends and len(self.written[row]) < self.most[row]
                )

    def finished(self) -> bool:
        """Whether nothing is left to write, in cells whose logits are finite."""
        return not any(self.writing[row] and self.cell[row] not in self.broken for row in self.rows)

    def drop_finished(self) -> list[int] | None:
        """Drop the finished rows of cells in which few still write; which were kept, if any went.

        A broken cell's rows stay while they write: the batch keeps the shape that it would have.
        """
        writing = [0] * len(self.sizes)
        for row in self.rows:
            writing[self.cell[row]] += self.writing[row]
        few = [n < COMPACT_BELOW * count for n, count in zip(writing, self.counts(), strict=True)]
        if not any(few):
            return None
        kept = [
            i for i, row in enumerate(self.rows) if self.writing[row] or not few[self.cell[row]]
        ]
        self.rows = [self.rows[i] for i in kept]
        return kept

    def results(self, logprobs: Sequence[Sequence[float]]) -> list[list[Drawn] | NotFiniteError]:
        """What each cell's requests drew, or the error in its place.

        logprobs: of each request, one for each token that it drew first.
        """
        drawn = iter(
            (tokens, fsum(row[: len(tokens)]) / len(tokens) if tokens else nan)
            for tokens, row in zip(self.written, logprobs, strict=True)
        )
        own = [[next(drawn) for _ in range(size)] for size in self.sizes]
        return [
            NotFiniteError("the model's logits are not finite") if i in self.broken else texts
            for i, texts in enumerate(own)
        ]


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

    What the members of a group share is read once.
    """
    ids, whole, cache = read_prefixes(model, sequences, groups, pad)
    return model(
        input_ids=ids, attention_mask=whole, position_ids=positions_of(whole)[:, -ids.shape[1] :],
        past_key_values=cache, use_cache=True, logits_to_keep=1,
    ).logits[:, -1]  # fmt: skip


def read_prefixes(model, sequences: Sequence[list[int]], groups: Sequence[Sequence[int]], pad: int):
    """(ids, mask, cache) of the sequences in the order of `groups`.

    cache: keys and values of what the members of each group share, read once for each. ids: the
    rest of each sequence, at least one token, (rows, width). mask: of both, (rows, shared + width).
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
    return ids, torch.cat([mask[copies], own], -1), cache
