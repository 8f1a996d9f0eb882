"""One training run of one adapter by TRL's SFTTrainer or DPOTrainer."""

import tempfile
import time

from idempotence.finetune.adapters import (
    adapter_of,
    are_finite,
    attach,
    reference_of,
    warmup_steps,
)
from idempotence.finetune.cell_run import SCHEDULES
from idempotence.finetune.data import preference_rows, supervised_rows
from idempotence.finetune.runs import BROKEN, LOGGED, Adapter, Run, TrainingResult, plain


def train(model, tokenizer, run: Run) -> tuple[Adapter, TrainingResult]:
    """Train one adapter with cross-entropy (nats per token), or with DPO where the run has a beta.

    model: the initial model, which is the same again afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        method = supervised_trainer if run.beta is None else preference_trainer
        trainer, tokens = method(model, tokenizer, run, folder)
        result = _trained(trainer, len(run.rows), round(tokens * run.training.epochs))
        adapter = adapter_of(trainer.model)
        trainer.model.unload()
    return adapter, result


def supervised_trainer(model, tokenizer, run: Run, folder: str):
    """(an SFTTrainer, tokens of an epoch). folder: for the trainer's files."""
    from datasets import Dataset
    from transformers import set_seed
    from trl import SFTConfig

    from idempotence.finetune.trainers import SupervisedTrainer

    set_seed(run.seed)
    data = supervised_rows(tokenizer, run.rows, run.kind, run.training.max_length)
    trainer = SupervisedTrainer(
        model=attach(model, run.training.lora, run.start),
        args=SFTConfig(
            **_arguments(run, folder),
            packing=False,
            dataset_kwargs={"skip_prepare_dataset": True},
        ),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )
    return trainer, sum(len(row["input_ids"]) for row in data)


def preference_trainer(model, tokenizer, run: Run, folder: str):
    """(a DPOTrainer, tokens of an epoch); see Rafailov et al. 2023.

    Its frozen reference is the start: `run.start`'s adapter, or the bare model, since a fresh
    adapter changes nothing (B = 0). folder: for the trainer's files.
    """
    from datasets import Dataset
    from transformers import set_seed
    from trl import DPOConfig

    from idempotence.finetune.trainers import PreferenceTrainer

    set_seed(run.seed)
    data = preference_rows(tokenizer, run.rows, run.kind)
    reference = reference_of(model, run.start)
    trainer = PreferenceTrainer(
        model=attach(model, run.training.lora, run.start),
        ref_model=reference,
        args=DPOConfig(
            **_arguments(run, folder),
            beta=run.beta,
            loss_type=["sigmoid"],  # summed log-probabilities
        ),
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )
    tokens = sum(
        min(len(row["prompt_ids"]) + len(row[side]), run.training.max_length)
        for row in data
        for side in ("chosen_ids", "rejected_ids")
    )
    return trainer, tokens


def _arguments(run: Run, folder: str) -> dict:
    """TrainingArguments that both trainers have."""
    import torch

    gpu, how = torch.cuda.is_available(), run.training
    return {
        "output_dir": folder,
        "per_device_train_batch_size": how.batch_size,
        "num_train_epochs": how.epochs,
        "learning_rate": how.learning_rate,
        "lr_scheduler_type": SCHEDULES[how.schedule],
        "warmup_steps": warmup_steps(
            len(run.rows), how.batch_size, how.epochs, how.warmup_fraction
        ),
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


def _trained(trainer, rows: int, tokens: int) -> TrainingResult:
    """Train, and report the outcome. Logged lines are not printed."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    started = time.monotonic()
    trainer.train()
    seconds = round(time.monotonic() - started, 3)
    log = [
        {key: plain(entry[key]) for key in LOGGED if key in entry}
        for entry in trainer.state.log_history
        if "loss" in entry
    ]
    trained = (weight for weight in trainer.model.parameters() if weight.requires_grad)
    broken = not are_finite(trained) or any(entry["loss"] is None for entry in log)
    status, reason = ("nan", BROKEN) if broken else ("ok", "")
    return TrainingResult(status, reason, "one_by_one", rows, tokens, seconds, log)
