"""The cells of a panel trained side by side: one forward and backward pass for many cells' steps.

Each cell has the loss, the rows in the order, the clipping, the optimiser and the schedule that
TRL's trainers would give it alone (`one_by_one`); tests compare the weights.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from idempotence.finetune.batches import Row, Tokens, batch_of, rows_of
from idempotence.finetune.cell_run import CellRun
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.finetune.data import IGNORED
from idempotence.finetune.losses import log_probabilities, preference_losses, supervised_losses
from idempotence.finetune.runs import Adapter, Run, TrainingResult
from idempotence.finetune.stack import AdapterStack, Layout

REFERENCES = "references"  # where a saved state has those of all cells; no cell's name
from idempotence.progress import Progress

CLIP_GUARD = 1e-6  # added to a gradient's norm, as in torch.nn.utils.clip_grad_norm_


class StackedTraining:
    """Trains the runs of a panel's cells; all have the same hyper-parameters but beta.

    model, tokenizer: the initial model, which is the same again afterwards, but frozen.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        layout: Layout,
        runs: Mapping[str, Run],
        checkpoints: Checkpoints,
    ):
        self.model, self.pad = model, tokenizer.pad_token_id
        self.checkpoints = checkpoints
        self.how = next(iter(runs.values())).training
        self.stack = AdapterStack(model, layout, list(runs))
        self.cells: dict[str, CellRun] = {}
        for name, run in runs.items():
            self.stack.start(name, run.seed, run.start)
            rows = rows_of(tokenizer, run)
            self.cells[name] = CellRun(run, rows, self.stack.parameters[name])
        steps = sum(cell.steps for cell in self.cells.values())
        self.progress = Progress("steps of all cells trained", steps)

    def train(self) -> dict[str, tuple[Adapter, TrainingResult]]:
        """Each cell's adapter and result."""
        self.model.requires_grad_(False)
        saved = self.checkpoints.load()
        on_gpu = self.model.device.type == "cuda"
        groups = self._groups()
        if next(iter(self.cells.values())).run.beta is not None:
            self._set_references(groups, saved.pop(REFERENCES, {}))
        for group in groups:
            if all(name in saved for name in group):
                for name in group:
                    self.cells[name].resume(saved.pop(name))
            with layers_recomputed(self.model) if on_gpu else nullcontext():
                self._train_group(group)
        return {
            name: (self.stack.adapter(name), cell.result()) for name, cell in self.cells.items()
        }

    def _groups(self) -> list[list[str]]:
        """Cells that are trained at once: those with about as many steps, in as many tokens."""
        names = sorted(self.cells, key=lambda name: -self.cells[name].steps)  # stable
        texts = [text for cell in self.cells.values() for row in cell.rows for text in row]
        per_row = max(len(text.ids) for text in texts) * len(self.cells[names[0]].rows[0])
        self.rows_at_once = max(1, self.how.tokens_at_once // per_row)
        at_once = max(1, self.rows_at_once // self.how.batch_size)
        return [names[i : i + at_once] for i in range(0, len(names), at_once)]

    def _train_group(self, group: Sequence[str]) -> None:
        """All steps of some cells; the stack shrinks when a cell has had its last one.

        A broken cell stays in the batch to the end of its steps: its rows go nowhere, and the
        others' products keep their shapes, and so their last bits.
        """
        active = self._with_steps_left(group)
        while active and not all(self.cells[name].broken for name in active):
            until = min(self.cells[name].steps for name in active)
            with self.stack.on(active) as stacked:
                while self.cells[active[0]].done < until:
                    self._step([self.cells[name] for name in active], stacked)
            active = self._with_steps_left(active)
        for name in group:
            self.cells[name].release()

    def _with_steps_left(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self.cells[name].done < self.cells[name].steps]

    def _step(self, cells: list[CellRun], stacked: list[torch.nn.Parameter]) -> None:
        """One optimiser step of each cell."""
        begun = time.monotonic()
        indices = [cell.batch() for cell in cells]
        values = self._backward(cells, indices)
        norms = clip_(stacked, self.how.max_grad_norm)
        whole = torch.stack([*values.values(), norms.to(values["loss"].device)])
        rows = whole.T.tolist()
        for cell, own in zip(cells, rows, strict=True):
            cell.step(dict(zip([*values, "grad_norm"], own, strict=True)))
        for weight in stacked:
            weight.grad.zero_()  # type: ignore[union-attr]  # `AdapterStack.on` set it
        tokens = [
            sum(cell.lengths[i] for i in own) for cell, own in zip(cells, indices, strict=True)
        ]
        _share(time.monotonic() - begun, cells, tokens)
        self.progress.at(sum(cell.done for cell in self.cells.values()), f"loss {rows[0][0]:.3g}")
        if self.checkpoints.due:
            self._save()

    def _save(self) -> None:
        states = {name: cell.state() for name, cell in self.cells.items() if cell.done}
        known = {n: cell.reference for n, cell in self.cells.items() if cell.reference is not None}
        self.checkpoints.save(states | ({REFERENCES: known} if known else {}))

    def _backward(self, cells: list[CellRun], indices: list[list[int]]) -> dict[str, torch.Tensor]:
        """Add to the gradients; returns loss (and rewards) of each cell's step: (cells,) each.

        Where a single cell's rows are more than may be read at once, they are read in parts.
        """
        beta = cells[0].run.beta
        compute = self._supervised if beta is None else self._preference
        most = max(map(len, indices))
        width = most if len(cells) > 1 else self.rows_at_once
        total: dict[str, torch.Tensor] = {}
        for start in range(0, most, width):
            part = [own[start : start + width] for own in indices]
            loss, values = compute(cells, part, indices)
            loss.sum().backward()
            for name, value in values.items():
                total[name] = total[name] + value if name in total else value
        return total

    def _supervised(
        self, cells: list[CellRun], part: list[list[int]], whole: list[list[int]]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        log_probs = self._log_probs(_rows(cells, part))
        targets = [
            sum(cell.targets[i] for i in own) for cell, own in zip(cells, whole, strict=True)
        ]
        losses = supervised_losses(log_probs, torch.tensor(targets, device=log_probs.device))
        return losses, {"loss": losses.detach()}

    def _preference(
        self, cells: list[CellRun], part: list[list[int]], whole: list[list[int]]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        log_probs = self._log_probs(_rows(cells, part))
        most, device = max(map(len, part)), log_probs.device
        reference = torch.zeros(len(cells), 2, most, device=device)
        share = torch.zeros(len(cells), most, device=device)  # of a pair in its step's mean
        for k, (cell, own) in enumerate(zip(cells, part, strict=True)):
            assert cell.reference is not None
            reference[k, :, : len(own)] = cell.reference[own].T
            share[k, : len(own)] = 1 / len(whole[k])
        betas = torch.tensor([float(cell.run.beta or 0) for cell in cells], device=device)
        pairs = preference_losses(log_probs, reference, betas)
        losses = (pairs.losses * share).sum(1)
        margins, right = pairs.chosen - pairs.rejected, (pairs.chosen > pairs.rejected).float()
        return losses, {
            "loss": losses.detach(),
            "rewards/margins": (margins * share).sum(1),
            "rewards/accuracies": (right * share).sum(1),
        }

    def _log_probs(self, cells: Sequence[Sequence[Row]]) -> torch.Tensor:
        batch = batch_of(cells, self.pad, self.model.device)
        with self._precision():
            return log_probabilities(self.model, batch)

    def _precision(self) -> AbstractContextManager:
        """On a GPU adapters are multiplied in the model's bfloat16, as with TRL."""
        if self.model.device.type == "cuda" and self.model.dtype == torch.bfloat16:
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()

    # --- DPO's reference: the weights that a run starts from

    def _set_references(self, groups: Sequence[Sequence[str]], saved: dict[str, Any]) -> None:
        """Each reply's summed log-probability under the start, once for all epochs.

        saved: those that an interrupted job knew already.
        """
        begun, cells = time.monotonic(), [*self.cells.values()]
        with torch.no_grad():
            if saved:
                for name, cell in self.cells.items():
                    cell.reference = saved[name].to(self.model.device)
            elif cells[0].run.start is None:
                self._read_initial(cells)
            else:
                for group in groups:
                    with self.stack.on(group):
                        self._read_starts([self.cells[name] for name in group])
        if not saved and self.checkpoints.due:
            self._save()
        _share(time.monotonic() - begun, cells, [sum(cell.lengths) for cell in cells])

    def _read_initial(self, cells: Sequence[CellRun]) -> None:
        """Under the initial model, of which cells share many texts: each is read once."""
        texts = {_key(text): text for cell in cells for row in cell.rows for text in row}
        by_length = sorted(((text,) for text in texts.values()), key=lambda row: len(row[0].ids))
        at_once, under_initial = self.rows_at_once * 2, {}
        for start in range(0, len(by_length), at_once):
            rows = by_length[start : start + at_once]
            known = self._log_probs([rows]).sum(1).tolist()
            for (text,), value in zip(rows, known, strict=True):
                under_initial[_key(text)] = value
        for cell in cells:
            values = [[under_initial[_key(text)] for text in row] for row in cell.rows]
            cell.reference = torch.tensor(values, device=self.model.device)

    def _read_starts(self, cells: Sequence[CellRun]) -> None:
        """Under each cell's own adapter, the rows of similar length together."""
        orders = [sorted(range(len(cell.rows)), key=cell.lengths.__getitem__) for cell in cells]
        for cell in cells:
            cell.reference = torch.zeros(len(cell.rows), 2, device=self.model.device)
        at_once = max(1, self.rows_at_once // len(cells))
        for start in range(0, max(map(len, orders)), at_once):
            part = [order[start : start + at_once] for order in orders]
            known = self._log_probs(_rows(cells, part)).sum(1).view(len(cells), 2, -1)
            for cell, own, values in zip(cells, part, known, strict=True):
                assert cell.reference is not None
                cell.reference[own] = values[:, : len(own)].T


@contextmanager
def layers_recomputed(model: Any) -> Iterator[None]:
    """Backward passes compute each layer again instead of keeping what is inside it in memory."""
    model.activation_checkpointing_enable()
    model.train()  # without dropout this changes nothing but the above
    try:
        yield
    finally:
        model.eval()
        model.activation_checkpointing_disable()


def clip_(stacked: Sequence[torch.nn.Parameter], most: float) -> torch.Tensor:
    """Scale each cell's gradient down to a norm of `most`; returns the norms before: (cells,).

    stacked: the weights of all cells, (cells, ...) each. A cell's norm is over all its weights, as
    in `torch.nn.utils.clip_grad_norm_`.
    """
    gradients = [weight.grad for weight in stacked if weight.grad is not None]
    device = gradients[0].device
    parts = [torch.linalg.vector_norm(g, dim=(1, 2)).to(device) for g in gradients]
    norms = torch.linalg.vector_norm(torch.stack(parts), dim=0)
    factors = (most / (norms + CLIP_GUARD)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factors.to(gradient.device)[:, None, None])
    return norms


def _share(seconds: float, cells: Sequence[CellRun], tokens: Sequence[int]) -> None:
    """Add wall time that cells spent together to each one's own, by tokens."""
    for cell, own in zip(cells, tokens, strict=True):
        cell.seconds += seconds * own / sum(tokens)


def _rows(cells: Sequence[CellRun], indices: Sequence[Sequence[int]]) -> list[list[Row]]:
    return [[cell.rows[i] for i in own] for cell, own in zip(cells, indices, strict=True)]


def _key(text: Tokens) -> tuple[tuple[int, ...], int]:
    """A text, and where its reply begins."""
    return tuple(text.ids), sum(label == IGNORED for label in text.labels)
