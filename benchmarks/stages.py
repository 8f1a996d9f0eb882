"""Where the seconds of a panel's cycle go: the jobs' own functions, timed from inside.

Runs finetune, sample and judge of one sft and one dpo panel over two cycles in one process, with a
clock on what they call. Seconds are of processor time, a stage's own, without those of stages
inside it. Tokens per second are set beside the machine's own matrix products at the model's width.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import ROOT, matrix_rate, study_of, write

sys.path.insert(0, str(ROOT / "src"))
SECONDS: dict[str, float] = defaultdict(float)
TOKENS: dict[str, int] = defaultdict(int)
_OPEN: list[list] = []  # [stage, seconds spent in stages inside it]


def counted(owner, name: str, tokens) -> None:
    """Count the tokens that calls of owner.name handle, for the stage that they are within."""
    inner = getattr(owner, name)

    def run(*arguments, **named):
        TOKENS[_OPEN[-1][0]] += tokens(*arguments, **named)
        return inner(*arguments, **named)

    setattr(owner, name, run)


@contextmanager
def clock(stage: str) -> Iterator[None]:
    """Time what is within, without the stages inside it."""
    _OPEN.append([stage, 0.0])
    begun = time.process_time()
    try:
        yield
    finally:
        spent = time.process_time() - begun
        SECONDS[stage] += spent - _OPEN.pop()[1]
        if _OPEN:
            _OPEN[-1][1] += spent


def clocked(owner, name: str, stage: str, tokens=None) -> None:
    """Time every call of owner.name under a stage; tokens: how many a call handled."""
    inner = getattr(owner, name)

    def run(*arguments, **named):
        with clock(stage):
            result = inner(*arguments, **named)
        if tokens:
            TOKENS[stage] += tokens(result, *arguments, **named)
        return result

    setattr(owner, name, run)


def clocked_ends(owner, name: str, stage: str) -> None:
    """Time the beginning and the end of a context manager, not what is within."""
    inner = getattr(owner, name)

    @contextmanager
    def run(*arguments, **named):
        context = inner(*arguments, **named)
        with clock(stage):
            value = context.__enter__()
        try:
            yield value
        finally:
            with clock(stage):
                context.__exit__(None, None, None)

    setattr(owner, name, run)


def install() -> None:
    """Put the clocks on."""
    from idempotence.engine import hf
    from idempotence.finetune import panel
    from idempotence.finetune.runs import Adapter
    from idempotence.judge import score
    from idempotence.sampling import panel as sample

    _install_on_training()
    clocked(sample, "ids_of_prompts", "tokenising")
    clocked(hf.TransformersEngine, "draw_batches", "decoding")
    counted(hf.TransformersEngine, "decoded", lambda self, rows: sum(len(ids) for ids, _ in rows))
    clocked(
        hf.TransformersEngine, "next_token_logprobs", "judging",
        lambda _, self, prompts, top: sum(map(len, prompts)),
    )  # fmt: skip
    clocked(
        hf.TransformersEngine, "log_likelihoods", "likelihoods",
        lambda _, self, heads, tails: sum(map(len, heads)) + sum(map(len, tails)),
    )  # fmt: skip
    clocked(hf, "load_model", "loading models")
    clocked(panel, "load_model", "loading models")
    clocked(Adapter, "save", "files")
    for module, names in (
        (sample, ["write_jsonl"]), (panel, ["write_sealed", "checked", "hashes_of"]),
        (score, ["read_jsonl", "write_parquet"]),
    ):  # fmt: skip
        for name in names:
            clocked(module, name, "files")


def _install_on_training() -> None:
    """Of cells side by side, the way of the default study."""
    import torch

    from idempotence.finetune import stack, stacked
    from idempotence.finetune.cell_run import CellRun

    training = stacked.StackedTraining

    clocked(torch.Tensor, "backward", "backward")
    for name in ("_supervised", "_preference"):
        clocked(training, name, "forward (training)")
    for name in ("_read_initial", "_read_starts"):
        clocked(training, name, "references")
    counted(
        training, "_log_probs",
        lambda self, cells: sum(len(text.ids) for rows in cells for row in rows for text in row),
    )  # fmt: skip
    clocked(stacked, "batch_of", "batches of rows")
    clocked(stacked, "clip_", "clipping")
    clocked(CellRun, "step", "optimiser")
    clocked(training, "train", "training's own work")
    clocked(stacked, "rows_of", "tokenising")
    clocked(stack, "layout_of", "stacking")
    for name in ("__init__", "start", "adapter"):
        clocked(stacked.AdapterStack, name, "stacking")
    clocked_ends(stacked.AdapterStack, "on", "stacking")


def run(folder: Path, file: Path = ROOT / "benchmarks" / "study.yaml") -> float:
    """The jobs of an sft and a dpo panel of a study over two cycles; returns wall seconds."""
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.finetune.panel import finetune_panel
    from idempotence.finetune.rows import CycleData
    from idempotence.io import read_jsonl, write_jsonl
    from idempotence.judge.local import LocalJudge
    from idempotence.judge.score import judge_panel
    from idempotence.sampling.panel import PanelSampler, write_samples
    from idempotence.workflow.study_jobs import StudyJobs

    study = study_of([ROOT / "config.yaml", file])
    jobs, world = StudyJobs(study), ROOT / "data" / "micro_world"
    instruct, judge = (str(world / name) for name in ("instruct", "judge"))

    begun = time.process_time()
    first = {panel.setting.name: panel for panel in reversed(study.panels())}
    for panel in (first["sft"], first["dpo"]):
        home = folder / panel.setting.name
        home.mkdir()
        seeding = jobs.seed_data(panel)
        engine = TransformersEngine(Weights(instruct))
        sampler = PanelSampler(seeding.panel, seeding.prompts, 0, engine)
        write_jsonl(home / "seed.jsonl", sampler.seed_data(seeding.generation))
        for cycle in range(2):
            adapters = home / f"a{cycle}"
            data = CycleData(
                seed_rows=[] if cycle else read_jsonl(home / "seed.jsonl"),
                generated=read_jsonl(home / f"g{cycle - 1}.jsonl") if cycle else [],
                previous=home / f"a{cycle - 1}" if panel.setting.goes_on(cycle) else None,
            )
            finetune_panel(jobs.finetune(panel, cycle), instruct, data, adapters)
            write_samples(
                jobs.sample(panel, cycle), TransformersEngine(Weights(instruct)), adapters, None,
                home / "r.jsonl", home / f"g{cycle}.jsonl",
            )  # fmt: skip
            judge_panel(
                jobs.judge(panel, cycle), LocalJudge(TransformersEngine(Weights(judge))), {},
                home / "r.jsonl", home / "s.parquet",
            )  # fmt: skip
    return time.process_time() - begun


def in_layers(model: str) -> int:
    """Weights in the layers of one of the world's models, embeddings left out."""
    from safetensors.numpy import load_file

    weights = load_file(ROOT / "data" / "micro_world" / model / "model.safetensors")
    return sum(value.size for name, value in weights.items() if ".layers." in name)


def load_libraries() -> None:
    """What the jobs' functions import when they are first called, so that no stage pays for it."""
    import peft
    import transformers
    import transformers.models.llama.modeling_llama

    for name in ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer", "get_scheduler"):
        getattr(transformers, name)
    assert peft.PeftModel


def main() -> None:
    begun = time.process_time()
    import torch

    load_libraries()
    install()
    SECONDS["start-up (imports)"] = time.process_time() - begun
    torch.set_num_threads(1)
    rate = matrix_rate(2048, 128, 352) / 1e9  # the models' own shapes
    with tempfile.TemporaryDirectory() as name:
        wall = run(Path(name))
    SECONDS["the rest"] = wall - sum(v for k, v in SECONDS.items() if k != "start-up (imports)")
    whole = sum(SECONDS.values())
    TOKENS["backward"] = TOKENS["forward (training)"]
    rows = []
    for stage, seconds in sorted(SECONDS.items(), key=lambda item: -item[1]):
        speed = TOKENS[stage] / seconds if TOKENS[stage] else None
        # a forward pass takes 2 operations per weight and token, a backward pass through frozen
        # weights as many: the gradient of a layer's input. Adapters and the output layer left out.
        weights = in_layers("judge" if stage == "judging" else "instruct")
        share = speed * 2 * weights / 1e9 / rate if speed else None
        rows.append(
            {
                "stage": stage, "seconds": f"{seconds:.2f}", "share": f"{seconds / whole:.3f}",
                "tokens_a_second": f"{speed:.0f}" if speed else "",
                "of_matrix_rate": f"{share:.2f}" if share else "",
            }
        )  # fmt: skip
    rows.append({"stage": "matrix products, GFLOP/s", "seconds": f"{rate:.0f}", "share": "",
                 "tokens_a_second": "", "of_matrix_rate": ""})  # fmt: skip
    print(json.dumps({row["stage"]: row["seconds"] for row in rows}))
    print(write("stages", rows))


if __name__ == "__main__":
    main()
