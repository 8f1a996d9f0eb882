"""Several LoRA adapters on one model at once, each for its own rows of a batch.

Attention, norms and Python are then paid once for all cells of a panel; where the weights are
large, reading them too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from idempotence.engine.lora import Factors, factors_of, is_plain, layers_of
from idempotence.engine.models import has_experts

# A cell has weights of its own where those with adapters take at most so many bytes: such matrices
# stay in the processor's cache. Larger ones are better read once for all rows.
OWN_WEIGHTS = 4 * 2**20
# Of larger weights in float32 on the CPU, only cells with so few rows gain: more fill the products
# of one merged model, which has none with the adapter's factors.
FEW_ROWS = 32


class Shares:
    """How many rows of a batch belong to each cell; those of a cell lie side by side.

    slices: (cell, first row, row after its last) of each cell with rows. rows: of all cells.
    """

    def __init__(self) -> None:
        self.slices: list[tuple[int, int, int]] = []
        self.rows = 0
        self._evened: tuple[Any, Any] | None = None

    def __call__(self, counts: Sequence[int]) -> None:
        """counts: the rows of each cell in the passes that follow."""
        self.slices, self.rows, self._evened = [], 0, None
        for cell, count in enumerate(counts):
            if count:
                self.slices.append((cell, self.rows, self.rows + count))
            self.rows += count

    @property
    def cells(self) -> list[int]:
        """Cells with rows."""
        return [cell for cell, _, _ in self.slices]

    def evened(self, device) -> tuple[Any, Any] | None:
        """(rows of which each cell has as many, where each row of the batch is among those).

        None where all cells have as many already. A cell is filled up with its own last row.
        """
        import torch

        sizes = [stop - start for _, start, stop in self.slices]
        most = max(sizes)
        if min(sizes) == most:
            return None
        if self._evened is None:
            rows = [min(start + i, stop - 1) for _, start, stop in self.slices for i in range(most)]
            where = [k * most + i for k, size in enumerate(sizes) for i in range(size)]
            self._evened = torch.tensor(rows).to(device), torch.tensor(where).to(device)
        return self._evened


def can_share(model, adapter: Path | None) -> bool:
    """Whether an adapter can lie beside others: plain LoRA on plain linear layers."""
    import torch

    if adapter is None:
        return True
    if not is_plain(adapter) or has_experts(model):
        return False
    head = model.get_output_embeddings()
    modules = [model.get_submodule(name) for name in layers_of(adapter)]
    return all(type(module) is torch.nn.Linear and module is not head for module in modules)


def pays(model, adapter: Path | None, rows: int) -> bool:
    """Whether a cell with so many rows is to be sampled beside others, where it can be."""
    import torch

    if adapter is None or rows <= FEW_ROWS:
        return True
    merges = model.dtype == torch.float32 and model.device.type == "cpu"
    return not merges or _size(model, layers_of(adapter)) <= OWN_WEIGHTS


def _size(model, names: Iterable[str]) -> int:
    """Bytes of the weights of some layers."""
    return sum(model.get_submodule(name).weight.nbytes for name in names)


@contextmanager
def side_by_side(model, adapters: Sequence[Path | None]) -> Iterator[Shares]:
    """The model with the adapter of each cell on that cell's rows; None: as it is.

    In float32 each cell gets weights of its own where they are small; otherwise the base weights
    are shared, in any type. The model is exactly as before afterwards, but for frozen weights.
    """
    import torch

    factors = [None if adapter is None else factors_of(adapter) for adapter in adapters]
    names = sorted({name for each in factors if each for name in each.of})
    # torch multiplies, and rounds, otherwise where gradients are needed
    model.requires_grad_(False)
    own = model.dtype == torch.float32 and _size(model, names) <= OWN_WEIGHTS
    with (own_weights if own else shared_weights)(model, names, factors) as shares:
        yield shares


@contextmanager
def own_weights(model, names: Sequence[str], factors: Sequence[Factors | None]) -> Iterator[Shares]:
    """Each cell's rows are multiplied with its own weights, the adapter added into them.

    No product has rows of two cells, that of the output layer neither: its rounding depends on
    the cell alone.
    """
    import torch

    shares, undo = Shares(), []
    head = model.get_output_embeddings()
    try:
        for name in names:
            module = model.get_submodule(name)
            weights = [
                each.merged(name, module.weight) if each and name in each.of else module.weight
                for each in factors
            ]
            undo.append(_with_forward(module, _by_cell(shares, weights, module.bias)))
        if type(head) is torch.nn.Linear:
            same = [head.weight] * len(factors)
            undo.append(_with_forward(head, _by_cell(shares, same, head.bias)))
        yield shares
    finally:
        for each in undo:
            each()


def _by_cell(shares: Shares, weights: Sequence, bias) -> Callable:
    """A linear layer's forward function; weights: (out, in) of each cell."""
    import torch

    turned = [weight.t() for weight in weights]

    def forward(x):
        flat = x.reshape(-1, x.shape[-1])
        width = len(flat) // shares.rows
        out = x.new_empty(len(flat), turned[0].shape[1])
        for cell, start, stop in shares.slices:
            here = slice(start * width, stop * width)
            torch.mm(flat[here], turned[cell], out=out[here])
        return (out if bias is None else out.add_(bias)).view(*x.shape[:-1], -1)

    return forward


def _with_forward(module, forward: Callable) -> Callable[[], None]:
    """Set a module's forward function; what comes back undoes it."""
    before = module.__dict__.get("forward")  # accelerate sets one where a model is on several GPUs
    module.forward = forward

    def undo() -> None:
        if before is None:
            del module.forward
        else:
            module.forward = before

    return undo


@contextmanager
def shared_weights(
    model, names: Sequence[str], factors: Sequence[Factors | None]
) -> Iterator[Shares]:
    """All rows are multiplied with the base weights, and each cell's with its adapter's factors.

    As in peft, factors and their product stay in float32 and the sum is rounded once.
    """
    shares, hooks = Shares(), []
    try:
        for name in names:
            module = model.get_submodule(name)
            hooks.append(module.register_forward_hook(_adding(shares, module, name, factors)))
        yield shares
    finally:
        for hook in hooks:
            hook.remove()


def _adding(shares: Shares, module, name: str, factors: Sequence[Factors | None]) -> Callable:
    """A hook that adds what the adapters make of a layer's input to its output."""
    stacks = _Stacks(module, name, factors)

    def add(module, args, result):
        (x,) = args
        down, up = stacks.of(shares.cells)
        rows, evened = x.reshape(shares.rows, -1), shares.evened(x.device)  # (rows, tokens * in)
        if evened is not None:
            rows = rows.index_select(0, evened[0])
        update = (rows.view(len(down), -1, x.shape[-1]).to(down.dtype) @ down) @ up
        if evened is not None:
            update = update.view(len(evened[0]), -1).index_select(0, evened[1])
        return (result + update.view_as(result)).to(result.dtype)

    return add


class _Stacks:
    """The factors of all cells for one layer."""

    def __init__(self, module, name: str, factors: Sequence[Factors | None]):
        """Zeros where a cell has no adapter or one of lower rank."""
        import torch

        device, (out, width) = module.weight.device, module.weight.shape
        own = [each.of.get(name) if each else None for each in factors]
        rank = max(len(pair[1]) for pair in own if pair)
        self.down = torch.zeros(len(own), width, rank, device=device)
        self.up = torch.zeros(len(own), rank, out, device=device)
        for i, (each, pair) in enumerate(zip(factors, own, strict=True)):
            if each and pair:
                up, down = pair
                self.down[i, :, : len(down)], self.up[i, : len(down)] = down.t(), up.t()
                self.up[i] *= each.scale
        self._cells = list(range(len(own)))
        self._some = self.down, self.up

    def of(self, cells: list[int]) -> tuple[Any, Any]:
        """(down (cells, in, r), up (cells, r, out), times the scale) of some cells."""
        if cells != self._cells:
            self._cells, self._some = cells, (self.down[cells], self.up[cells])
        return self._some
