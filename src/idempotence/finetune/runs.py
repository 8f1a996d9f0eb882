"""What both ways of training take and give: a run, its adapter, its result."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from idempotence.engine.adapter_files import CONFIG, WEIGHTS
from idempotence.io import write_text, write_whole
from idempotence.jobs.parts import Training, TrainingWay
from idempotence.objectives import Kind

# Names of the values in a training log, per optimiser step; the last two for preferences alone.
LOGGED = ("step", "loss", "grad_norm", "learning_rate", "rewards/margins", "rewards/accuracies")
BROKEN = "the loss or a weight became NaN or infinite while training"


@dataclass(frozen=True)
class Run:
    """How one adapter is trained, and on what.

    rows: {"prompt", "response"}, for preferences also "rejected". kind: of the texts. dtype: of
    the model's weights ("float32", "bfloat16"). seed: of a fresh adapter's weights, the order of
    rows and dropout. start: folder of the adapter to train on from, None for a fresh one. beta:
    strength of DPO's pull towards the reference; None for cross-entropy.
    """

    rows: list[dict]
    kind: Kind
    training: Training
    dtype: str
    seed: int
    start: Path | None = None
    beta: float | None = None


@dataclass(frozen=True)
class TrainingResult:
    """Outcome of a run.

    status: "ok"; "nan" where a loss or weight is not finite; "ended" where nothing was trained.
    reason: why it is not "ok", else "". way: how it was trained. rows: trained on. tokens: read
    in all epochs. seconds: wall time; of cells that were trained side by side, each one's share
    by tokens. log: per optimiser step the values `LOGGED` (loss in nats), null where not finite.
    """

    status: str
    reason: str
    way: TrainingWay
    rows: int
    tokens: int
    seconds: float
    log: list[dict] = field(default_factory=list)

    def as_dict(self) -> dict:
        """For training.json."""
        return asdict(self)


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter as PEFT saves it.

    weights: PEFT's name -> tensor. config: the content of adapter_config.json.
    """

    weights: dict[str, Any]
    config: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write adapter_model.safetensors and adapter_config.json, the same bytes every time.

        folder: created where it does not exist.
        """
        from safetensors.torch import save

        # `save_pretrained` of peft writes the same, and a README that takes longer than the weights
        weights = {name: weight.contiguous() for name, weight in self.weights.items()}
        content = save(weights, metadata={"format": "pt"})
        write_whole(folder / WEIGHTS, lambda p: p.write_bytes(content))
        write_text(folder / CONFIG, json.dumps(self.config, indent=1, sort_keys=True) + "\n")


def plain(value: float) -> float | None:
    """A number for JSON; NaN and infinity become null."""
    value = float(value)
    return value if abs(value) < float("inf") else None
