"""The two ways of training a panel's cells: side by side, or one by one through TRL."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from idempotence.engine.adapter_files import WEIGHTS
from idempotence.finetune import one_by_one
from idempotence.finetune.checkpoints import Checkpoints, digest
from idempotence.finetune.runs import Adapter, Run, TrainingResult

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate")
Trained = dict[str, tuple[Adapter, TrainingResult]]


def train_cells(
    model: Any, tokenizer: Any, runs: Mapping[str, Run], checkpoints: Checkpoints
) -> Trained:
    """Cell -> its adapter and result.

    runs: of cells with the same hyper-parameters but beta. model: the initial model, which is the
    same again afterwards. Cells that cannot be stacked are trained one by one; the result says so.
    """
    from idempotence.finetune.stack import layout_of, why_not
    from idempotence.finetune.stacked import StackedTraining

    if not runs:
        return {}
    run = next(iter(runs.values()))
    lora = run.training.lora
    if run.training.way == "stacked":
        layout = why_not(model, lora) or layout_of(model, lora, run.start)
        if not isinstance(layout, str):
            return StackedTraining(model, tokenizer, layout, runs, checkpoints).train()
        print(f"cells are trained one by one: {layout}")
    return _one_by_one(model, tokenizer, runs, checkpoints)


def _one_by_one(
    model: Any, tokenizer: Any, runs: Mapping[str, Run], checkpoints: Checkpoints
) -> Trained:
    saved = checkpoints.load()
    trained: Trained = {}
    for name, run in runs.items():
        if name in saved:
            state = saved[name]
            adapter = Adapter(state["weights"], state["config"])
            trained[name] = adapter, TrainingResult(**state["result"])
            continue
        trained[name] = one_by_one.train(model, tokenizer, run)
        if checkpoints.due:
            checkpoints.save(
                {
                    cell: {
                        "weights": adapter.weights,
                        "config": adapter.config,
                        "result": result.as_dict(),
                    }
                    for cell, (adapter, result) in trained.items()
                }
            )
    return trained


def key_of(output: Path, model: str, revision: str | None, runs: Mapping[str, Run]) -> str:
    """A digest of what decides the adapters: settings, rows, starts, model, versions, device.

    output: the job's own folder: two jobs may train the same, and never share a state. model:
    folder or hub name of the initial model; revision: its commit there. Of a folder's files
    sizes and times are taken.
    """
    import torch

    about = [version(library) for library in LIBRARIES]
    about += [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    folder = Path(model)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    parts: list[str | bytes] = [json.dumps([str(output), about, model, revision, stamps])]
    for name, run in runs.items():
        parts += [name, repr(run)]
        if run.start is not None:
            parts.append(digest((run.start / WEIGHTS).read_bytes()))
    return digest(*parts)
