"""How large models and their adapters are, from files or from the config."""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import read_json
from idempotence.jobs.parts import Lora

# architectures whose layers have the linear modules of `_linear_modules`, and no others
DENSE = ("llama", "mistral", "qwen2", "qwen3")
ADAPTER_BYTES = 4  # peft keeps adapters in float32, whatever the model's type
BILLION = 1e9
# a model of b billion parameters has about this times b^(1/3) layers: Llama-3.2-1B 15, Qwen3-4B 23,
# Qwen3-32B 20, Llama-3.3-70B 19
LAYERS = 20


@dataclass(frozen=True)
class Size:
    """parameters: of the model, None if not known. adapter: its LoRA weights, None likewise.

    Each comes with its source in words. layers: None if the model's shape is not known.
    """

    parameters: float | None
    parameters_from: str
    adapter: float | None
    adapter_from: str
    layers: int | None = None

    @property
    def billions(self) -> float:
        """Billions of parameters; NaN where they are not known."""
        return math.nan if self.parameters is None else self.parameters / BILLION

    @property
    def depth(self) -> float:
        """Layers, by the model's shape, else by its size."""
        return self.layers or LAYERS * self.billions ** (1 / 3)

    @property
    def adapter_bytes(self) -> float | None:
        """Bytes of one adapter on disk; None if not known."""
        return None if self.adapter is None else self.adapter * ADAPTER_BYTES


@dataclass(frozen=True)
class Sizes:
    """Sizes of all models of a study.

    models: (name of the model, setting) -> `Size`. sections: section of a judge or of the
    generator -> `Size` of a local one. counted: name of a model or of such a section -> how its
    tokens are counted.
    """

    models: dict[tuple[str, str], Size]
    sections: dict[str, Size]
    counted: dict[str, str]


def local_folder(path: str, revision: str | None, world: Path) -> Path | None:
    """Where a model's files lie on this machine: its folder, or the hub's cache; None if nowhere.

    path, revision: of the config. world: folder of the models world/...
    """
    if path.startswith("world/"):
        folder = world / path.removeprefix("world/")
        return folder if folder.is_dir() else None
    if Path(path).is_dir():
        return Path(path)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(path, "config.json", revision=revision)
    except HFValidationError:  # a name at an endpoint, say
        return None
    return Path(cached).parent if isinstance(cached, str) else None


def size_of(folder: Path | None, given: int | None, lora: Lora | None, per_rank: float) -> Size:
    """The size of a model and of its adapter.

    folder: see `local_folder`. given: the parameters by the config. lora: None for no adapter.
    per_rank: LoRA weights over rank x parameters^(2/3).
    """
    parameters, source, layers = given, "the config", stored_layers(folder) if folder else None
    if given is None:
        parameters = stored_parameters(folder) if folder else None
        source = f"the weights in {folder}" if parameters else "not known"
    if lora is None:
        return Size(parameters, source, None, "no adapter", layers)
    adapter = adapter_weights(folder, lora) if folder else None
    if adapter is not None:
        return Size(parameters, source, adapter, f"the shape in {folder}/config.json", layers)
    if parameters is None:
        return Size(None, source, None, "not known", layers)
    rough = per_rank * lora.rank * parameters ** (2 / 3)
    return Size(parameters, source, rough, "the rate rates.lora", layers)


def stored_layers(folder: Path) -> int | None:
    """The layers that a folder's config.json states; None where it does not."""
    layers = _shape(folder).get("num_hidden_layers")
    return int(layers) if layers else None


def _shape(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    shape: dict[str, Any] = read_json(path) if path.is_file() else {}
    return shape


def stored_parameters(folder: Path) -> int | None:
    """The weights in a folder's safetensors files, by their headers; None without such files.

    Raises UserError for a file that is no safetensors file.
    """
    files = sorted(folder.glob("*.safetensors"))
    return sum(map(_weights_in, files)) if files else None


def _weights_in(path: Path) -> int:
    """A safetensors file begins with the length of its header (8 bytes, little-endian), in JSON."""
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        shapes = [tensor["shape"] for name, tensor in header.items() if name != "__metadata__"]
    except (OSError, struct.error, ValueError, KeyError, OverflowError) as error:
        raise UserError(f"{path} is no safetensors file ({error})") from None
    return sum(map(math.prod, shapes))


def adapter_weights(folder: Path, lora: Lora) -> int | None:
    """LoRA weights of a dense decoder: rank x (inputs + outputs) of each module that has one.

    None where the folder has no config.json of an architecture in `DENSE`.
    """
    shape = _shape(folder)
    if shape.get("model_type") not in DENSE:
        return None
    modules, wanted = _linear_modules(shape), lora.target_modules
    sides = sum(sum(modules[name]) for name in modules if not wanted or name in wanted)
    return lora.rank * sides * int(shape["num_hidden_layers"])


def _linear_modules(shape: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Name -> (inputs, outputs) of a layer's linear modules."""
    width, inner = shape["hidden_size"], shape["intermediate_size"]
    heads = shape["num_attention_heads"]
    head = shape.get("head_dim") or width // heads
    queries, keys = heads * head, (shape.get("num_key_value_heads") or heads) * head
    return {
        "q_proj": (width, queries), "k_proj": (width, keys), "v_proj": (width, keys),
        "o_proj": (queries, width), "gate_proj": (width, inner), "up_proj": (width, inner),
        "down_proj": (inner, width),
    }  # fmt: skip
