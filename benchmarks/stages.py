"""Where the seconds of a panel's cycle go: the jobs' own functions, timed from inside.

Runs finetune, sample and judge of one sft and one dpo panel over two cycles in one process, with a
clock on what they call. Seconds are a stage's own, without those of stages inside it. Tokens per
second are set beside the machine's own matrix products at the model's width.
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from common import ROOT, study_of, write

sys.path.insert(0, str(ROOT / "src"))
SECONDS: dict[str, float] = defaultdict(float)
TOKENS: dict[str, int] = defaultdict(int)
_OPEN: list[list] = []  # [stage, seconds spent in stages inside it]


def clocked(owner, name: str, stage: str, tokens=None) -> None:
    """Time every call of owner.name under a stage; tokens: how many a call handled."""
    inner = getattr(owner, name)

    def run(*arguments, **named):
        _OPEN.append([stage, 0.0])
        begun = time.perf_counter()
        try:
            result = inner(*arguments, **named)
        finally:
            spent = time.perf_counter() - begun
            SECONDS[stage] += spent - _OPEN.pop()[1]
            if _OPEN:
                _OPEN[-1][1] += spent
        if tokens:
            TOKENS[stage] += tokens(result, *arguments, **named)
        return result

    setattr(owner, name, run)


def install() -> None:
    """Put the clocks on."""
    import torch
    from transformers import Trainer

    from idempotence.engine import hf
    from idempotence.finetune import panel, train
    from idempotence.finetune.trainers import PreferenceTrainer, SupervisedTrainer
    from idempotence.judge import score
    from idempotence.sampling import panel as sample

    clocked(torch.Tensor, "backward", "backward")
    for trainer in (SupervisedTrainer, PreferenceTrainer):
        clocked(
            trainer, "compute_loss", "forward (training)",
            lambda _, self, model, inputs, *a, **k: int(inputs["input_ids"].numel()),
        )  # fmt: skip
    clocked(torch.optim.AdamW, "step", "optimiser")
    clocked(Trainer, "train", "trainer's own work")
    clocked(train, "supervised_rows", "tokenising")
    clocked(train, "preference_rows", "tokenising")
    clocked(sample, "ids_of_rows", "tokenising")
    clocked(sample, "ids_of_prompts", "tokenising")
    clocked(hf, "sample_tokens", "decoding", lambda rows, *a, **k: sum(map(len, rows)))
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
    clocked(train, "attach", "adapters")
    clocked(train, "reference_of", "adapters")
    clocked(panel, "save", "files")
    for module, names in (
        (sample, ["write_jsonl"]), (panel, ["write_json"]),
        (score, ["read_jsonl", "write_parquet"]),
    ):  # fmt: skip
        for name in names:
            clocked(module, name, "files")


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

    begun = time.perf_counter()
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
    return time.perf_counter() - begun


def matrix_products() -> float:
    """GFLOP/s of one thread on (2048 x 128) @ (128 x 352), the model's own shapes."""
    import torch

    a, b = torch.randn(2048, 128), torch.randn(128, 352)
    best = 0.0
    for _ in range(20):
        begun = time.perf_counter()
        for _ in range(20):
            a @ b
        best = max(best, 20 * 2 * 2048 * 128 * 352 / (time.perf_counter() - begun) / 1e9)
    return best


def in_layers(model: str) -> int:
    """Weights in the layers of one of the world's models, embeddings left out."""
    from safetensors.numpy import load_file

    weights = load_file(ROOT / "data" / "micro_world" / model / "model.safetensors")
    return sum(value.size for name, value in weights.items() if ".layers." in name)


def main() -> None:
    begun = time.perf_counter()
    import torch

    install()
    SECONDS["start-up (imports)"] = time.perf_counter() - begun
    torch.set_num_threads(1)
    rate = matrix_products()
    with tempfile.TemporaryDirectory() as name:
        wall = run(Path(name))
    SECONDS["the rest"] = wall - sum(v for k, v in SECONDS.items() if k != "start-up (imports)")
    whole = sum(SECONDS.values())
    rows = []
    for stage, seconds in sorted(SECONDS.items(), key=lambda item: -item[1]):
        speed = TOKENS[stage] / seconds if TOKENS[stage] else None
        # a forward pass takes 2 operations per weight and token
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
