"""Seconds of devices that a piece of work takes, by a stated model of how well they are used.

seconds = steps x (what a step takes however few its tokens) + tokens x (what a token takes at full
use). The first part is the layers' own time (Python, the starting of kernels), the config's
`rates.layer_ms`, and reading the weights from memory. docs/plan.md states the model, its reasons
and its limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from idempotence.config.rates import Rates
from idempotence.jobs.parts import EngineName

MS = 1e-3
READS_OF_A_TRAINING_STEP = 2  # forward and backward


@dataclass(frozen=True)
class Model:
    """A model on its devices.

    billions: parameters (NaN if not known). layers: their number. gigabytes: of its weights.
    devices: GPUs that a job with it holds, or one core.
    """

    billions: float
    layers: float
    gigabytes: float
    devices: int


def training_seconds(rates: Rates, model: Model, work: Mapping[str, float]) -> float:
    """Device seconds of training; work: `steps.STEPS`.

    Of several GPUs that hold a model's layers one works at a time.
    """
    layer = rates.layer_ms
    steps = work["steps_alone"] + work["steps_stacked"]
    layer_ms = (
        work["steps_alone"] * layer.one_by_one
        + work["steps_stacked"] * layer.stacked
        + work["steps_of_cells"] * layer.stacked_cell
    )
    reading = READS_OF_A_TRAINING_STEP * steps * model.gigabytes / rates.gigabytes_per_second
    working = work["tokens_worked"] * model.billions / rates.train
    return model.devices * (layer_ms * MS * model.layers + reading + working)


def sampling_seconds(
    rates: Rates, model: Model, engine: EngineName, work: Mapping[str, float], tokens: float
) -> float:
    """Device seconds of writing so many tokens; work: `steps.STEPS`.

    vLLM splits each layer between GPUs, which then read and compute side by side; its steps are
    no shorter for it. With transformers one GPU works at a time.
    """
    layer, steps = rates.layer_ms, work["decoding"]
    layer_ms = steps * layer.vllm
    if engine == "transformers":
        layer_ms = steps * layer.transformers + work["decoding_of_cells"] * layer.transformers_cell
    fixed = layer_ms * MS * model.layers
    shared = steps * model.gigabytes / rates.gigabytes_per_second
    shared += tokens * model.billions / rates.sample
    return model.devices * fixed + _held(model, engine) * shared


def reading_seconds(rates: Rates, model: Model, engine: EngineName, tokens: float) -> float:
    """Device seconds of a judge that reads so many tokens, in batches that are always large."""
    return _held(model, engine) * tokens * model.billions / rates.read


def _held(model: Model, engine: EngineName) -> int:
    """Devices that are held while one works."""
    return 1 if engine == "vllm" else model.devices
