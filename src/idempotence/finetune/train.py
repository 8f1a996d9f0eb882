"""One chain, one cycle: TRL's SFTTrainer or DPOTrainer on one adapter."""

import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from idempotence.engine.formatting import Kind
from idempotence.finetune.adapters import attach, is_finite, reference_of, warmup_steps
from idempotence.finetune.data import preference_rows, supervised_rows


@dataclass
class Training:
    """What a training run was: status "ok" or "nan", the log of every step, what it cost."""

    status: str
    reason: str
    rows: int
    tokens: int
    seconds: float
    log: list[dict] = field(default_factory=list)

    def as_dict(self) -> dict:
        """For training.json."""
        return asdict(self)


def _arguments(training: dict, rows: int, seed: int, folder: str) -> dict:
    """TrainingArguments shared by both trainers."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "output_dir": folder,
        "per_device_train_batch_size": training["batch_size"],
        "num_train_epochs": training["epochs"],
        "learning_rate": training["learning_rate"],
        "lr_scheduler_type": {"constant": "constant_with_warmup", "cosine": "cosine"}[
            training["schedule"]
        ],
        "warmup_steps": warmup_steps(
            rows, training["batch_size"], training["epochs"], training["warmup_fraction"]
        ),
        "weight_decay": training["weight_decay"],
        "adam_beta1": training["adam_beta1"],
        "adam_beta2": training["adam_beta2"],
        "adam_epsilon": training["adam_epsilon"],
        "max_grad_norm": training["max_grad_norm"],
        "max_length": training["max_length"],
        "seed": seed,
        "data_seed": seed,
        "use_cpu": not gpu,
        "bf16": gpu and training["dtype"] == "bfloat16",
        "gradient_checkpointing": gpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a NaN is a result and must be seen
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def _run(trainer, rows: int, tokens: int) -> Training:
    """Train, and say how it went."""
    started = time.monotonic()
    trainer.train()
    seconds = round(time.monotonic() - started, 3)
    keep = ("step", "loss", "grad_norm", "learning_rate", "rewards/margins", "rewards/accuracies")
    log = [
        {key: _plain(entry[key]) for key in keep if key in entry}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    broken = not is_finite(trainer.model) or any(entry["loss"] is None for entry in log)
    reason = "the loss or a weight became NaN or infinite while training" if broken else ""
    return Training("nan" if broken else "ok", reason, rows, tokens, seconds, log)


def _plain(value: float) -> float | None:
    """A number for JSON; NaN and infinity become null."""
    value = float(value)
    return value if abs(value) < float("inf") else None


def _quiet(trainer) -> None:
    """Without the callback that prints every logged line."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def train_supervised(
    model, tokenizer, rows: list[dict], kind: Kind, training: dict, start: Path | None, seed: int
):
    """Finetune an adapter on rows {"prompt", "response"} with cross-entropy.

    Returns (peft model, Training). training: the config's `training` section with `dtype`.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTConfig

    from idempotence.finetune.trainers import SupervisedTrainer

    set_seed(seed)
    data = supervised_rows(tokenizer, rows, kind, training["max_length"])
    with tempfile.TemporaryDirectory() as folder:
        trainer = SupervisedTrainer(
            model=attach(model, training["lora"], start),
            args=SFTConfig(
                **_arguments(training, len(data), seed, folder),
                packing=False,
                dataset_kwargs={"skip_prepare_dataset": True},
            ),
            train_dataset=Dataset.from_list(data),
            processing_class=tokenizer,
        )
        _quiet(trainer)
        tokens = round(sum(len(row["input_ids"]) for row in data) * training["epochs"])
        return trainer.model, _run(trainer, len(data), tokens)


def preference_trainer(
    model,
    tokenizer,
    rows: list[dict],
    kind: Kind,
    training: dict,
    beta: float,
    start: Path | None,
    seed: int,
    folder: str,
):
    """A DPOTrainer whose frozen reference is the start: `start`'s adapter, or the bare model.

    A fresh adapter changes nothing (B = 0), so the bare model is where it starts.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import DPOConfig

    from idempotence.finetune.trainers import PreferenceTrainer

    set_seed(seed)
    data = preference_rows(tokenizer, rows, kind)
    reference = reference_of(model, start)
    trainer = PreferenceTrainer(
        model=attach(model, training["lora"], start),
        ref_model=reference,
        args=DPOConfig(
            **_arguments(training, len(data), seed, folder),
            beta=beta,
            loss_type=["sigmoid"],  # summed log-probabilities
        ),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )
    _quiet(trainer)
    return trainer


def train_preference(
    model,
    tokenizer,
    rows: list[dict],
    kind: Kind,
    training: dict,
    beta: float,
    start: Path | None,
    seed: int,
):
    """Finetune an adapter on rows {"prompt", "response" (chosen), "rejected"} with DPO.

    Returns (peft model, Training).
    """
    with tempfile.TemporaryDirectory() as folder:
        trainer = preference_trainer(
            model, tokenizer, rows, kind, training, beta, start, seed, folder
        )
        tokens = sum(
            2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])
            for row in trainer.train_dataset
        )
        return trainer.model, _run(trainer, len(rows), round(tokens * training["epochs"]))
