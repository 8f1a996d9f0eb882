"""One cycle of one panel: every cell's adapter trained, in one process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idempotence.doses import Cell
from idempotence.engine.adapter_files import HASHES, TRAINING, checked, hashes_of
from idempotence.engine.models import Weights, fix_threads, load_model, load_tokenizer
from idempotence.finetune.adapters import adapter_of, attach
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.finetune.data import trainable
from idempotence.finetune.rows import Chosen, CycleData, cell_seed, choose_rows
from idempotence.finetune.runs import Adapter, Run, TrainingResult
from idempotence.finetune.ways import key_of, train_cells
from idempotence.io import write_sealed
from idempotence.jobs.loop import FinetuneJob


@dataclass(frozen=True)
class PanelTrainer:
    """Trains a panel's cells on one loaded model, which is the same again afterwards.

    model, tokenizer: the initial model, without an adapter.
    """

    job: FinetuneJob
    data: CycleData
    model: Any
    tokenizer: Any

    def train(self, output: Path, scratch: Path | None = None, model: str = "") -> None:
        """Write `output/<cell>/`: the cell's adapter and training.json.

        Broken weights are written too: they are evidence, and nothing is sampled from them. Rows
        whose prompts leave no token to train on are dropped. A chain that ended, or has no row
        left, gets the adapter that it would have started from, untrained, and status "ended".
        scratch: folder for the states of a long training; model: folder or hub name of the initial
        model. Raises `UserError` where a dose has too few rows, or an adapter to go on from is not
        as it was written.
        """
        cells = self.job.panel.cells
        for start in filter(None, map(self._start, cells)):
            checked(start)
        chosen = {c.name: self._trainable(choose_rows(self.job, c, self.data)) for c in cells}
        runs = {
            cell.name: self._run(cell, chosen[cell.name].rows)
            for cell in cells
            if chosen[cell.name].rows
        }
        revision = self.job.panel.model.revision
        checkpoints = Checkpoints(scratch, key_of(output, model, revision, runs) if scratch else "")
        trained = train_cells(self.model, self.tokenizer, runs, checkpoints)
        for cell in cells:
            rows = chosen[cell.name]
            adapter, result = trained.get(cell.name) or self._ended(cell, rows)
            adapter.save(output / cell.name)
            about = {"cell": cell.name, "cycle": self.job.cycle, "dropped": rows.dropped}
            files = {HASHES: hashes_of(output / cell.name)}
            write_sealed(output / cell.name / TRAINING, {**about, **result.as_dict(), **files})
        checkpoints.remove()

    def _trainable(self, chosen: Chosen) -> Chosen:
        """Without the rows that are cut before their replies begin."""
        most, kind = self.job.training.max_length, self.job.panel.kind
        rows = trainable(self.tokenizer, chosen.rows, kind, most)
        cut = len(chosen.rows) - len(rows)
        if not cut:
            return chosen
        reason = (
            ""
            if rows
            else (
                f"none of {cut} rows has a token to train on: their prompts alone are as long as "
                f"training.max_length, {most} tokens"
            )
        )
        return Chosen(rows, chosen.dropped + cut, reason)

    def _run(self, cell: Cell, rows: list[dict]) -> Run:
        panel = self.job.panel
        return Run(
            rows=rows,
            kind=panel.kind,
            training=self.job.training,
            dtype=panel.model.dtype,
            seed=cell_seed(panel, cell, self.job.cycle, "finetune"),
            start=self._start(cell),
            beta=None if self.job.imitates else cell.beta,
        )

    def _start(self, cell: Cell) -> Path | None:
        return self.data.previous / cell.name if self.data.previous else None

    def _ended(self, cell: Cell, chosen: Chosen) -> tuple[Adapter, TrainingResult]:
        """The adapter that an ended chain would have started from, the same every time."""
        from transformers import set_seed

        set_seed(0)
        way = self.job.training.way
        result = TrainingResult("ended", chosen.reason, way, rows=0, tokens=0, seconds=0.0)
        adapted = attach(self.model, self.job.training.lora, self._start(cell))
        adapter = adapter_of(adapted)
        adapted.unload()
        return adapter, result


def finetune_panel(
    job: FinetuneJob, model: str, data: CycleData, output: Path, scratch: Path | None = None
) -> None:
    """Train every cell; see `PanelTrainer.train`.

    model: folder or hub name of the initial model.
    """
    fix_threads()
    about = job.panel.model
    weights = Weights(model, about.revision, about.dtype, about.chat_template_kwargs)
    trainer = PanelTrainer(job, data, load_model(weights), load_tokenizer(weights))
    trainer.train(output, scratch, model)
