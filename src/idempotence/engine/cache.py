"""Keys and values of a batch that grows by a token a step, kept in memory with room for more."""

from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 16  # tokens: memory is taken, and what it holds copied, once for so many steps


def growing_cache(config) -> DynamicCache:
    """A `DynamicCache` whose plain layers do not copy everything at each step."""
    cache = DynamicCache(config=config)
    cache.layers = [
        GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers
    ]
    return cache


class GrowingLayer(DynamicLayer):
    """`DynamicLayer` with room behind its tokens.

    keys, values: (rows, heads, tokens, head size), the used parts of `held`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Any] = []
        self.tokens = 0

    def update(self, key_states, value_states, *args, **kwargs):
        """Add the keys and values of new tokens; all of them come back."""
        new = [key_states, value_states]
        start, stop = self.tokens, self.tokens + key_states.shape[2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.held = [_with_room(each[:, :, :0], stop) for each in new]
        elif self.held[0].shape[2] < stop:
            self.held = [_with_room(each[:, :, :start], stop) for each in self.held]
        for held, each in zip(self.held, new, strict=True):
            held[:, :, start:stop] = each
        self._use(stop)
        return self.keys, self.values

    def _use(self, tokens: int) -> None:
        self.tokens = tokens
        self.keys, self.values = (each[:, :, :tokens] for each in self.held)

    def batch_select_indices(self, indices) -> None:
        """Only keep these rows, in this order."""
        if self.held:
            self.held = [each.index_select(0, indices.to(each.device)) for each in self.held]
            self._use(self.tokens)


def _with_room(old, tokens: int):
    """A copy of `old` with room for so many tokens and some more."""
    rows, heads, used, size = old.shape
    new = old.new_empty(rows, heads, -(-tokens // ROOM) * ROOM, size)
    new[:, :, :used] = old
    return new
