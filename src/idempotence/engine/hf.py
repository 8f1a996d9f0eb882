"""The transformers engine: CPU or GPU, adapters live on one loaded model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idempotence.engine.base import Batch, Engine, NotFiniteError, Request, Sampled, added_up
from idempotence.engine.decode import (
    Drawn,
    last_logits,
    logprobs_of,
    sample_cells,
    shared_prefixes,
)
from idempotence.engine.lora import can_merge, merged
from idempotence.engine.models import (
    Weights,
    end_tokens,
    fix_threads,
    load_model,
    load_tokenizer,
)
from idempotence.engine.side_by_side import can_share, pays, side_by_side
from idempotence.engine.tree import tree_logits
from idempotence.progress import Progress

SAMPLE_BATCH = 256  # the most rows of a batch that are sampled at once
GROUP_ROWS = 512  # and of several batches, where their keys and values take no more than:
GROUP_BYTES = 2**30
SCORE_BATCH = 64
MASKED = ("sdpa", "eager")  # kinds of attention that take a mask of their own


class TransformersEngine(Engine):
    """`Engine` on a transformers model; see `idempotence.engine.base.Engine`."""

    def __init__(self, weights: Weights):
        fix_threads()
        self.tokenizer = load_tokenizer(weights)
        self.ends = end_tokens(weights, self.tokenizer)
        self.model = load_model(weights)
        # of several tokens a row, torch would multiply copies of the layer's weights, one per row
        self.model.get_output_embeddings().register_forward_pre_hook(_contiguous)
        self._texts: dict[int, str] = {}

    @contextmanager
    def _adapted(self, adapter: Path | None) -> Iterator:
        """The model with an adapter on it, and exactly as it was afterwards.

        In float32 the adapter is added into the weights, which is faster; in bfloat16 that would
        round it away.
        """
        if adapter is None:
            yield self.model
        elif can_merge(self.model, adapter):
            with merged(self.model, adapter):
                yield self.model
        else:
            from peft import PeftModel

            adapted = PeftModel.from_pretrained(self.model, adapter).eval()
            try:
                yield adapted
            finally:
                self.model = adapted.unload()

    def draw_batches(self, batches: Sequence[Batch]) -> list[list[Sampled] | NotFiniteError]:
        drawn: list[list[Drawn]] = [[] for _ in batches]
        errors: dict[int, NotFiniteError] = {}
        # the same for all groups, so that no text depends on which are sampled together
        width = max((len(r.prompt) for b in batches for r in b.requests), default=0)
        progress = Progress("texts sampled", sum(len(batch.requests) for batch in batches))
        done = 0
        for parts in self._groups(batches):
            sampled = self._sampled([part for _, part in parts], width)
            for (i, _), rows in zip(parts, sampled, strict=True):
                if isinstance(rows, NotFiniteError):
                    errors[i] = rows
                else:
                    drawn[i] += rows
            done += sum(len(part.requests) for _, part in parts)
            progress.at(done)
        return [errors[i] if i in errors else self.decoded(rows) for i, rows in enumerate(drawn)]

    def _groups(self, batches: Sequence[Batch]) -> Iterator[list[tuple[int, Batch]]]:
        """What is sampled at once: batches, or parts of them, each with its batch's number."""
        group: list[tuple[int, Batch]] = []
        most = rows_at_once(self.model, [r for batch in batches for r in batch.requests])
        rows = 0
        for i, batch in enumerate(batches):
            for start in range(0, len(batch.requests), SAMPLE_BATCH):
                part = Batch(batch.requests[start : start + SAMPLE_BATCH], batch.adapter)
                more = len(part.requests)
                alone = not self._shares(part)
                if group and (alone or rows + more > most):
                    yield group
                    group, rows = [], 0
                if alone:
                    yield [(i, part)]
                else:
                    group.append((i, part))
                    rows += more
        if group:
            yield group

    def _shares(self, part: Batch) -> bool:
        """Whether a batch is sampled beside others."""
        adapter = part.adapter
        return can_share(self.model, adapter) and pays(self.model, adapter, len(part.requests))

    def _sampled(self, group: Sequence[Batch], width: int) -> list[list[Drawn] | NotFiniteError]:
        import torch

        adapters = [batch.adapter for batch in group]
        pad, ends = self.tokenizer.pad_token_id, self.ends
        cells = [batch.requests for batch in group]
        with torch.inference_mode():
            if len({*adapters}) == 1:
                with self._adapted(adapters[0]) as model:
                    return sample_cells(model, cells, pad, ends, width=width)
            with side_by_side(self.model, adapters) as shares:
                return sample_cells(self.model, cells, pad, ends, shares, width)

    def next_token_logprobs(self, prompts: Sequence[list[int]], top: int) -> list[dict[str, float]]:
        import torch

        logprobs: list[dict[str, float]] = [{} for _ in prompts]
        with torch.inference_mode():
            for batch in self._prefix_batches(prompts):
                rows = last_logits(self.model, prompts, batch, self.tokenizer.pad_token_id)
                indices = [i for group in batch for i in group]
                for i, likeliest in zip(indices, self._likeliest(rows, top), strict=True):
                    logprobs[i] = likeliest
        return logprobs

    def branch_logprobs(
        self, prompts: Sequence[list[int]], branches: Sequence[tuple[int, ...]], top: int
    ) -> list[list[dict[str, float]]] | None:
        import torch

        if has_windows(self.model) or self.model.config._attn_implementation not in MASKED:
            return None
        logprobs: list[list[dict[str, float]]] = [[] for _ in prompts]
        with torch.inference_mode():
            for batch in self._prefix_batches(prompts):
                rows = tree_logits(
                    self.model, prompts, batch, branches, self.tokenizer.pad_token_id
                )
                indices = [i for group in batch for i in group]
                for i, of_row in zip(indices, rows, strict=True):
                    logprobs[i] = self._likeliest(of_row, top)
        return logprobs

    def _likeliest(self, logits: Any, top: int) -> list[dict[str, float]]:
        """Per row, the likeliest tokens; logits: (rows, vocabulary)."""
        values, tokens = logits.float().log_softmax(-1).topk(min(top, logits.shape[-1]))
        return [
            added_up(zip(map(self._text, token), value, strict=True))
            for value, token in zip(values.tolist(), tokens.tolist(), strict=True)
        ]

    def _prefix_batches(self, prompts: Sequence[list[int]]) -> Iterator[list[list[int]]]:
        """Batches of groups of prompts; what the members of a group share is read once.

        It is padded behind, which would fill a sliding window.
        """
        if has_windows(self.model):
            groups, most = [[i] for i in range(len(prompts))], SCORE_BATCH
        else:
            most = rows_that_fit(self.model, max(map(len, prompts), default=0))
            groups = [
                group[start : start + most]
                for group in shared_prefixes(prompts)
                for start in range(0, len(group), most)
            ]
        groups.sort(key=lambda group: (len(prompts[group[0]]), group[0]))
        progress, done = Progress("prompts read", len(prompts)), 0
        batch: list[list[int]] = []
        for group in groups:
            rows = sum(map(len, batch)) + len(group)
            if batch and (len(batch) == SCORE_BATCH or rows > most):
                yield batch
                done += rows - len(group)
                progress.at(done)
                batch = []
            batch.append(group)
        if batch:
            yield batch

    def _text(self, token: int) -> str:
        if token not in self._texts:
            self._texts[token] = self.tokenizer.decode([token])
        return self._texts[token]

    def log_likelihoods(
        self, prompts: Sequence[list[int]], completions: Sequence[list[int]]
    ) -> list[float]:
        import torch

        whole = [[*p, *c] for p, c in zip(prompts, completions, strict=True)]
        means = [float("nan")] * len(whole)
        with torch.inference_mode():
            for batch, ids in self._batches(whole):
                # the first position whose next token is of a completion, in any of the rows
                first = max(min(len(prompts[i]) for i in batch) - 1, 0)
                following = ids[:, first + 1 :, None]
                if following.shape[1] == 0:
                    continue
                logits = self.model(
                    input_ids=ids[:, :-1], use_cache=False, logits_to_keep=following.shape[1]
                ).logits
                chosen = logprobs_of(logits.flatten(0, 1), following.flatten()).view(len(ids), -1)
                for row, i in enumerate(batch):
                    begin = max(len(prompts[i]) - 1, 0) - first
                    part = chosen[row, begin : len(whole[i]) - 1 - first]
                    means[i] = float(part.mean()) if len(part) else float("nan")
        return means

    def _batches(self, sequences: Sequence[list[int]]) -> Iterator[tuple[list[int], Any]]:
        """Batches of similar length, padded on the right (exact under causal attention)."""
        import torch

        order = sorted(range(len(sequences)), key=lambda i: (len(sequences[i]), i))
        for start in range(0, len(order), SCORE_BATCH):
            batch = order[start : start + SCORE_BATCH]
            width = max(len(sequences[i]) for i in batch)
            pad = self.tokenizer.pad_token_id
            rows = [sequences[i] + [pad] * (width - len(sequences[i])) for i in batch]
            yield batch, torch.tensor(rows, device=self.model.device)


def _contiguous(module, arguments):
    """What a layer gets, in one piece of memory."""
    (x,) = arguments
    return x.contiguous()


def has_windows(model) -> bool:
    """Whether some layers look at a window of tokens, or keep a state, and not at all tokens."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    return any(
        type(layer) is not DynamicLayer for layer in DynamicCache(config=model.config).layers
    )


def rows_at_once(model, requests: Sequence[Request]) -> int:
    """How many of the requests are sampled at once, over all batches."""
    longest = max((len(r.prompt) + r.max_new_tokens for r in requests), default=0)
    return min(max(rows_that_fit(model, longest), SAMPLE_BATCH), GROUP_ROWS)


def rows_that_fit(model, longest: int) -> int:
    """How many rows of so many tokens have their keys and values in `GROUP_BYTES`, at least one."""
    config = model.config.get_text_config()
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * size * model.dtype.itemsize
    return max(GROUP_BYTES // (token * max(longest, 1)), 1)
