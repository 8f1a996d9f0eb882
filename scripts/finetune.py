"""Train every cell of a panel for one cycle: seed rows or samples in, adapters out."""

from pathlib import Path

from idempotence.jobs.loop import FinetuneJob


def finetune(
    job: FinetuneJob,
    model: str,
    output: Path,
    seed_data: Path | None = None,
    calibration: Path | None = None,
    generated: list[Path] | None = None,
    initial_rows: Path | None = None,
    previous: Path | None = None,
    scratch: Path | None = None,
) -> None:
    """Train every cell of a panel for one cycle.

    job: panel, cycle and hyper-parameters.
    model: folder or hub name of the initial model.
    output: folder of adapters to write, one folder per cell.
    seed_data: seed rows, one per line (cycle 0, and where seed rows are mixed in).
    calibration: doses of calibrated levels (where seed rows are read).
    generated: samples, one per line, of the last cycle; of all cycles in their order where data
      accumulate (later cycles).
    initial_rows: the initial model's replies, one per line (later cycles, where it writes a share).
    previous: folder of the last cycle's adapters, where training goes on from them.
    scratch: folder for the states of a long training, from which an interrupted job goes on.
    """
    from idempotence.doses import calibrated_doses
    from idempotence.finetune.panel import finetune_panel
    from idempotence.finetune.rows import CycleData
    from idempotence.io import read_jsonl, read_sealed

    *earlier, last = [read_jsonl(file) for file in generated or []] or [[]]
    data = CycleData(
        seed_rows=read_jsonl(seed_data) if seed_data else [],
        generated=last,
        earlier=earlier,
        initial=read_jsonl(initial_rows) if initial_rows else [],
        calibrated=calibrated_doses(read_sealed(calibration)) if calibration else {},
        previous=previous,
    )
    finetune_panel(job, model, data, output, scratch)


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(finetune)
