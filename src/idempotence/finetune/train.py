"""One training run of one adapter by TRL's SFTTrainer or DPOTrainer."""

import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from idempotence.finetune.adapters import attach, is_finite, reference_of, warmup_steps
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.jobs.parts import Kind, Training

SCHEDULES = {"constant": "constant_with_warmup", "cosine": "cosine"}  # ours -> transformers'
LOGGED = ("step", "loss", "grad_norm", "learning_rate", "rewards/margins", "rewards/accuracies")


@dataclass(frozen=True)
class Run:
    """How an adapter is trained.

    kind: of its texts. dtype: of the model's weights ("float32", "bfloat16"). seed: of a fresh
    adapter's weights, the order of rows and dropout. start: folder of the adapter to train on
    from, None for a fresh one. beta: strength of DPO's pull towards the reference; None for
    cross-entropy.
    """

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
    reason: why it is not "ok", else "". rows: trained on. tokens: read in all epochs. seconds:
    wall time. log: per optimiser step the values `LOGGED` (loss in nats), null where not finite.
    """

    status: str
    reason: str
    rows: int
    tokens: int
    seconds: float
    log: list[dict] = field(default_factory=list)

    def as_dict(self) -> dict:
        """For training.json."""
        return asdict(self)


def train(model, tokenizer, rows: list[dict], run: Run):
    """`train_supervised`, or `train_preference` where the run has a beta."""
    method = train_supervised if run.beta is None else train_preference
    return method(model, tokenizer, rows, run)


def train_supervised(model, tokenizer, rows: list[dict], run: Run):
    """Finetune an adapter with cross-entropy, in nats per token.

    rows: {"prompt", "response"}. Returns (peft model, `TrainingResult`).
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTConfig

    from idempotence.finetune.trainers import SupervisedTrainer

    set_seed(run.seed)
    data = supervised_rows(tokenizer, rows, run.kind, run.training.max_length)
    with tempfile.TemporaryDirectory() as folder:
        trainer = SupervisedTrainer(
            model=attach(model, run.training.lora, run.start),
            args=SFTConfig(
                **_arguments(run, len(data), folder),
                packing=False,
                dataset_kwargs={"skip_prepare_dataset": True},
            ),
            train_dataset=Dataset.from_list(data),
            processing_class=tokenizer,
        )
        tokens = round(sum(len(row["input_ids"]) for row in data) * run.training.epochs)
        return trainer.model, _result(trainer, len(data), tokens)


def train_preference(model, tokenizer, rows: list[dict], run: Run):
    """Finetune an adapter with DPO (Rafailov et al. 2023).

    rows: {"prompt", "response" (the chosen one), "rejected"}. Returns (peft model,
    `TrainingResult`).
    """
    with tempfile.TemporaryDirectory() as folder:
        trainer = preference_trainer(model, tokenizer, rows, run, folder)
        tokens = sum(
            2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])
            for row in trainer.train_dataset
        )
        tokens = round(tokens * run.training.epochs)
        return trainer.model, _result(trainer, len(rows), tokens)


def preference_trainer(model, tokenizer, rows: list[dict], run: Run, folder: str):
    """A DPOTrainer whose frozen reference is the start: `run.start`'s adapter, or the bare model.

    A fresh adapter changes nothing (B = 0), so the bare model is where it starts. folder: for the
    trainer's files.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import DPOConfig

    from idempotence.finetune.trainers import PreferenceTrainer

    set_seed(run.seed)
    data = preference_rows(tokenizer, rows, run.kind)
    reference = reference_of(model, run.start)
    return PreferenceTrainer(
        model=attach(model, run.training.lora, run.start),
        ref_model=reference,
        args=DPOConfig(
            **_arguments(run, len(data), folder),
            beta=run.beta,
            loss_type=["sigmoid"],  # summed log-probabilities
        ),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )


def _arguments(run: Run, rows: int, folder: str) -> dict:
    """TrainingArguments that both trainers have."""
    import torch

    gpu, how = torch.cuda.is_available(), run.training
    return {
        "output_dir": folder,
        "per_device_train_batch_size": how.batch_size,
        "num_train_epochs": how.epochs,
        "learning_rate": how.learning_rate,
        "lr_scheduler_type": SCHEDULES[how.schedule],
        "warmup_steps": warmup_steps(rows, how.batch_size, how.epochs, how.warmup_fraction),
        "weight_decay": how.weight_decay,
        "adam_beta1": how.adam_beta1,
        "adam_beta2": how.adam_beta2,
        "adam_epsilon": how.adam_epsilon,
        "max_grad_norm": how.max_grad_norm,
        "max_length": how.max_length,
        "seed": run.seed,
        "data_seed": run.seed,
        "use_cpu": not gpu,
        "bf16": gpu and run.dtype == "bfloat16",
        "gradient_checkpointing": gpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # a NaN is a result and must be seen
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def _result(trainer, rows: int, tokens: int) -> TrainingResult:
    """Train, and report the outcome. Logged lines are not printed."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    started = time.monotonic()
    trainer.train()
    seconds = round(time.monotonic() - started, 3)
    log = [
        {key: _plain(entry[key]) for key in LOGGED if key in entry}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    broken = not is_finite(trainer.model) or any(entry["loss"] is None for entry in log)
    reason = "the loss or a weight became NaN or infinite while training" if broken else ""
    return TrainingResult("nan" if broken else "ok", reason, rows, tokens, seconds, log)


def _plain(value: float) -> float | None:
    """A number for JSON; NaN and infinity become null."""
    value = float(value)
    return value if abs(value) < float("inf") else None
