"""LoRA adapters side by side: each targeted linear layer holds those of several cells.

A batch holds the rows of every cell, one cell after the other, as many of each. The product with
the base weights is one for all; those with the adapters are batched products, each cell's rows
with its own two matrices (Hu et al. 2021: y = W x + alpha / r * B A x).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from idempotence.engine.adapter_files import WEIGHTS
from idempotence.engine.lora import DOWN, MODEL, UP
from idempotence.engine.models import has_experts
from idempotence.finetune.adapters import attach, config_of
from idempotence.finetune.runs import Adapter
from idempotence.jobs.parts import Lora


class StackedLinear(nn.Module):
    """A frozen linear layer and the adapters of K cells on it.

    down: (K, in, r), the transposed matrices A; up: (K, r, out), the transposed matrices B.
    """

    def __init__(self, base: nn.Linear, down: nn.Parameter, up: nn.Parameter, scaling: float):
        super().__init__()
        self.base, self.down, self.up, self.scaling = base, down, up, scaling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (K * rows, tokens, in), the rows of the first cell first; returns (..., out)."""
        result = self.base(x)
        cells = len(self.down)
        rows = x.reshape(cells, -1, x.shape[-1])
        if not torch.is_autocast_enabled(x.device.type):
            rows = rows.to(self.down.dtype)
        inner = torch.bmm(rows, self.down)
        # the base product is in the model's type, the adapters are kept in float32, as PEFT does
        flat = result.view(cells, -1, result.shape[-1])
        if inner.dtype == result.dtype:
            return torch.baddbmm(flat, inner, self.up, alpha=self.scaling).view_as(result)
        update = torch.bmm(inner, self.up) * self.scaling
        return (flat + update).to(result.dtype).view_as(result)


@dataclass(frozen=True)
class Layout:
    """Which linear layers of a model the adapters of a panel are on.

    layers: name of a layer -> (in, out), in the model's order. config: content of
    adapter_config.json, the same for all cells.
    """

    layers: dict[str, tuple[int, int]]
    config: dict[str, Any]

    @property
    def rank(self) -> int:
        """Rank of an adapter's update."""
        return int(self.config["r"])

    @property
    def scaling(self) -> float:
        """What the update is multiplied by."""
        return float(self.config["lora_alpha"]) / self.rank


def why_not(model, lora: Lora) -> str:
    """Why cells cannot be stacked on a model, in words; "" where they can be."""
    if lora.dropout > 0:
        return "lora.dropout is above 0"
    if getattr(model, "is_quantized", False) or getattr(model, "hf_quantizer", None) is not None:
        return "the model's weights are quantised"
    if _has_dropout(model):
        return "the model has dropout of its own"
    if has_experts(model):
        return "the model is a mixture of experts"
    return ""


def _has_dropout(model) -> bool:
    """Whether training the model draws random numbers, by its layers or its config's keys."""
    if any(module.p > 0 for module in model.modules() if isinstance(module, nn.Dropout)):
        return True
    config = model.config.get_text_config().to_dict()
    return any(
        isinstance(value, float) and value > 0
        for key, value in config.items()
        if ("dropout" in key or "pdrop" in key) and not key.startswith("classifier")
    )


def layout_of(model, lora: Lora, start: Path | None) -> Layout | str:
    """Where PEFT puts an adapter; or why cells cannot be stacked on these layers.

    start: folder of a cell's adapter to go on from. The model is the same afterwards.
    """
    from peft.tuners.lora import Linear, LoraLayer

    adapted = attach(model, lora, start)
    config = config_of(adapted)
    adapted_layers = {
        name.removeprefix(MODEL): module
        for name, module in adapted.named_modules()
        if isinstance(module, LoraLayer)
    }
    head = model.get_output_embeddings()  # gets the tokens that have a loss, in no cell's order
    others = [
        name
        for name, module in adapted_layers.items()
        if type(module) is not Linear
        or type(module.get_base_layer()) is not nn.Linear
        or module.get_base_layer() is head
    ]
    layers = {
        name: (module.in_features, module.out_features) for name, module in adapted_layers.items()
    }
    adapted.unload()
    if others:
        return f"{others[0]} is no plain linear layer inside the model"
    unusual = [name for name in ("use_dora", "use_rslora", "lora_bias") if config.get(name)]
    if unusual:
        return f"the adapter to go on from has {unusual[0]}"
    return Layout(layers, config)


class AdapterStack:
    """The adapters of a panel's cells, each with weights and gradients of its own.

    A cell's parameters keep their identity, and so an optimiser its state, whichever cells are
    stacked: `on` lays out the memory of those that are.
    """

    def __init__(self, model, layout: Layout, cells: Sequence[str]):
        self.model, self.layout = model, layout
        self.modules = {name: model.get_submodule(name) for name in layout.layers}
        self.parameters = {cell: [nn.Parameter(w) for w in self._empty()] for cell in cells}

    def _empty(self) -> Iterator[torch.Tensor]:
        for name, (inner, outer) in self.layout.layers.items():
            device, rank = self.modules[name].weight.device, self.layout.rank
            yield torch.empty(inner, rank, device=device)
            yield torch.empty(rank, outer, device=device)

    def start(self, cell: str, seed: int, folder: Path | None) -> None:
        """The weights in a PEFT adapter's folder; None: a fresh adapter, drawn from the seed."""
        if folder is not None:
            self._load(cell, folder)
            return
        for weight, drawn in zip(self.parameters[cell], self._drawn(seed), strict=True):
            weight.data.copy_(drawn)

    def _drawn(self, seed: int) -> list[torch.Tensor]:
        """What PEFT draws after `set_seed(seed)`, to the bit; B is 0."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            weights = []
            for name, (inner, outer) in self.layout.layers.items():
                down = nn.Linear(inner, self.layout.rank, bias=False)
                nn.Linear(self.layout.rank, outer, bias=False)  # PEFT draws B too, and clears it
                nn.init.kaiming_uniform_(down.weight, a=math.sqrt(5))
                rounded = down.weight.data.to(self.modules[name].weight.dtype).float()
                weights += [rounded.T, torch.zeros(self.layout.rank, outer)]
        return weights

    def _load(self, cell: str, folder: Path) -> None:
        from safetensors.torch import load_file

        given = load_file(folder / WEIGHTS)
        for name, weight in self._named(cell):
            weight.data.copy_(given[name].T)

    def adapter(self, cell: str) -> Adapter:
        """A cell's adapter as PEFT saves it."""
        weights = {name: weight.detach().T.cpu() for name, weight in self._named(cell)}
        return Adapter(weights, self.layout.config)

    def _named(self, cell: str) -> Iterator[tuple[str, nn.Parameter]]:
        weights = iter(self.parameters[cell])
        for name in self.layout.layers:
            yield MODEL + name + DOWN, next(weights)
            yield MODEL + name + UP, next(weights)

    @contextmanager
    def on(self, cells: Sequence[str]) -> Iterator[list[nn.Parameter]]:
        """The model with the adapters of these cells on it; as it was afterwards.

        Yields the stacked weights, (K, ...) each, with gradients of zero. The cells' parameters
        and gradients are views of them, in the context alone.
        """
        columns = zip(*(self.parameters[cell] for cell in cells), strict=True)
        stacked = [nn.Parameter(torch.stack([w.detach() for w in column])) for column in columns]
        for i, weight in enumerate(stacked):
            gradient = weight.grad = torch.zeros_like(weight)
            for k, cell in enumerate(cells):
                own = self.parameters[cell][i]
                own.data, own.grad = weight.detach()[k], gradient[k]
        pairs = zip(stacked[::2], stacked[1::2], strict=True)
        try:
            for (name, base), (down, up) in zip(self.modules.items(), pairs, strict=True):
                self._put(name, StackedLinear(base, down, up, self.layout.scaling))
            yield stacked
        finally:
            for name, base in self.modules.items():
                self._put(name, base)
            for cell in cells:  # a view would keep the memory of all cells
                for own in self.parameters[cell]:
                    own.data, own.grad = own.data.clone(), None

    def _put(self, name: str, module: nn.Module) -> None:
        parent, _, child = name.rpartition(".")
        setattr(self.model.get_submodule(parent), child, module)
