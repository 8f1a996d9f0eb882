"""One cycle of one panel: every cell's adapter trained, one after the other, in one process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.doses import Cell
from idempotence.engine.models import Weights, fix_threads, load_model, load_tokenizer
from idempotence.finetune.adapters import attach, save
from idempotence.finetune.rows import CycleData, cell_seed, choose_rows
from idempotence.finetune.train import Run, TrainingResult, train
from idempotence.io import write_json
from idempotence.jobs.loop import FinetuneJob


@dataclass(frozen=True)
class PanelTrainer:
    """Trains a panel's cells on one loaded model, which is the same again after each cell.

    model, tokenizer: the initial model, without an adapter.
    """

    job: FinetuneJob
    data: CycleData
    model: Any
    tokenizer: Any

    def train_cell(self, cell: Cell, folder: Path) -> None:
        """Write the cell's adapter and training.json into `folder`.

        Broken weights are written too: they are evidence, and nothing is sampled from them. A
        chain that ended gets the adapter that it would have started from, untrained, and status
        "ended". Raises `UserError` where the dose has too few rows.
        """
        chosen = choose_rows(self.job, cell, self.data)
        start = self.data.previous / cell.name if self.data.previous else None
        if chosen.rows:
            run = self._run(cell, start)
            adapted, result = train(self.model, self.tokenizer, chosen.rows, run)
        else:
            adapted = attach(self.model, self.job.training.lora, start)
            result = TrainingResult("ended", chosen.reason, rows=0, tokens=0, seconds=0.0)
        save(adapted, folder)
        adapted.unload()
        about = {"cell": cell.name, "cycle": self.job.cycle, "dropped": chosen.dropped}
        write_json(folder / "training.json", {**about, **result.as_dict()})

    def _run(self, cell: Cell, start: Path | None) -> Run:
        panel = self.job.panel
        return Run(
            kind=panel.kind,
            training=self.job.training,
            dtype=panel.model.dtype,
            seed=cell_seed(panel, cell, self.job.cycle, "finetune"),
            start=start,
            beta=cell.beta,
        )


def finetune_panel(job: FinetuneJob, model: str, data: CycleData, output: Path) -> None:
    """Train every cell and write `output/<cell>/` (adapter and training.json).

    model: folder or hub name of the initial model. Raises as `PanelTrainer.train_cell`.
    """
    from transformers import set_seed

    fix_threads()
    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype)
    trainer = PanelTrainer(job, data, load_model(weights), load_tokenizer(weights))
    set_seed(0)  # an ended chain's untrained adapter is the same every time
    for cell in job.panel.cells:
        trainer.train_cell(cell, output / cell.name)
