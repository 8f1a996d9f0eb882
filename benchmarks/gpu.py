"""Training and sampling on the GPU that is here, against its own limits, with both engines.

A model of Qwen3-4B's shape with random weights (drawn on the GPU, in bfloat16) is trained with 1, 5
and 25 LoRA adapters, one by one (TRL's SFTTrainer) and side by side, two short rows a step as in
studies/paper.yaml, and sampled with eight adapters. Set beside: the rate of large matrix products
and the memory bandwidth, both measured. Random weights hardly ever write the end token, so that
every text is as long as it may be.

vLLM runs under `--vllm-python`, where that is. --tiny: a tiny shape on the CPU, to try the program.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from common import RESULTS, ROOT, write

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "helpers")]

QWEN3_4B = {
    "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "max_position_embeddings": 40960, "tie_word_embeddings": True,
}  # fmt: skip
TINY = {
    "vocab_size": 1200, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 32,
    "max_position_embeddings": 512, "tie_word_embeddings": True,
}  # fmt: skip
# rows: of a cell's training, of `length` tokens, `batch` a step; at_once: bounds of a forward pass
# of cells side by side, in tokens; requests: texts an adapter; side: of the square matrices
BIG = {"shape": QWEN3_4B, "dtype": "bfloat16", "rows": 16, "length": 256, "batch": 2,
       "cells": (1, 5, 25), "at_once": (4096, 16384), "requests": 32, "new_tokens": 256,
       "side": 8192, "megabytes": 4096}  # fmt: skip
SMALL = {"shape": TINY, "dtype": "float32", "rows": 4, "length": 64, "batch": 2,
         "cells": (1, 2), "at_once": (128, 4096), "requests": 2, "new_tokens": 8,
         "side": 256, "megabytes": 16}  # fmt: skip
ADAPTERS = 8
REPEATS = 5


def seconds_of(work) -> float:
    """Wall seconds of a call, the device's work included; the first call is not counted."""
    import torch

    best = float("inf")
    for i in range(REPEATS + 1):
        begun = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun) if i else best
    return best


def limits(how: dict, device: str) -> tuple[float, float]:
    """(operations per second of matrix products, bytes per second of a copy)."""
    import torch

    side, dtype = how["side"], getattr(torch, how["dtype"])
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    operations = 2 * side**3 / seconds_of(lambda: a @ b)
    source = torch.zeros(how["megabytes"] * 2**20, device=device, dtype=torch.uint8)
    target = torch.empty_like(source)
    return operations, 2 * source.numel() / seconds_of(lambda: target.copy_(source))


def make(how: dict, device: str, folder: Path) -> int:
    """A model of the shape with its tokenizer and adapters in a folder; returns its weights."""
    import torch
    from make_models import make_tokenizer
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from idempotence.finetune.adapters import adapter_of, attach

    tokenizer, lora = make_tokenizer(bos=False), hyperparameters(how).lora
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, how["dtype"]))
    with torch.device(device):
        model = Qwen3ForCausalLM(Qwen3Config(**how["shape"], **ends))
    torch.set_default_dtype(torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    weights = sum(p.numel() for p in model.parameters())
    for i in range(ADAPTERS):
        adapted = attach(model, lora, None)
        adapter_of(adapted).save(folder / "adapters" / str(i))
        adapted.unload()
    return weights


def hyperparameters(how: dict):
    """Of the training that is measured."""
    from cells import HYPERPARAMETERS

    return replace(HYPERPARAMETERS, batch_size=how["batch"], max_length=how["length"])


def train(how: dict, folder: Path, limit: float) -> list[dict]:
    """Rows of the table: each number of cells, one by one and side by side.

    limit: operations per second of matrix products.
    """
    from cells import measured, operations, runs_of, trained_by

    from idempotence.engine.models import Weights, load_model, load_tokenizer

    weights = Weights(str(folder), dtype=how["dtype"])
    model, tokenizer = load_model(weights), load_tokenizer(weights)
    text = " ".join((ROOT / "data/prompts/chats.txt").read_text(encoding="utf-8").splitlines())
    # so long that all are cut at `length`
    rows = [
        {"prompt": "Go on.", "response": text[i * 499 : i * 499 + 8 * how["length"]]}
        for i in range(how["rows"] * max(how["cells"]))
    ]

    def runs(cells: int, rows_a_cell: int) -> dict:
        training = hyperparameters(how)
        return runs_of(rows, cells, rows_a_cell, "chat", training, [None], how["dtype"])

    ways = [("one_by_one", 0), *(("stacked", bound) for bound in how["at_once"])]
    for way, bound in ways:  # imports, kernels
        measured(model, tokenizer, trained_by(way, runs(1, how["batch"]), bound), time.perf_counter)
    table = []
    for cells in how["cells"]:
        alone, own = 0.0, runs(cells, how["rows"])
        work = operations(model, tokenizer, own)
        # few cells are within any bound
        for way, bound in ways if cells == max(how["cells"]) else ways[:2]:
            _forget_peak()
            done = measured(model, tokenizer, trained_by(way, own, bound), time.perf_counter)
            alone = alone or done.speed
            engine = f"stacked, {bound} tokens at once" if bound else "one by one (TRL)"
            found = row("train", engine, done.speed, work / done.seconds / limit, None)
            times = f"{done.speed / alone:.2f}" if bound else ""
            table.append({**found, "cells": str(cells), "times": times, "peak_gb": _peak()})
            print(table[-1], flush=True)
    return table


def _forget_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak() -> str:
    """Most gigabytes of the GPU's memory in use since `_forget_peak`; "" without a GPU."""
    import torch

    return f"{torch.cuda.max_memory_allocated() / 1e9:.1f}" if torch.cuda.is_available() else ""


def sample(how: dict, engine: str, folder: Path, gpus: int) -> float:
    """Tokens per second of all adapters' texts, after a first short call."""
    from idempotence.engine.back_ends import open_engine
    from idempotence.engine.base import Batch, Request
    from idempotence.engine.models import Weights
    from idempotence.engine.options import VllmOptions

    adapters = sorted((folder / "adapters").iterdir())
    options = VllmOptions(memory_share=0.85, max_length=4096, adapters_at_once=ADAPTERS, gpus=gpus)
    running = open_engine(engine, Weights(str(folder), dtype=how["dtype"]), adapters, options)
    prompt = running.tokenizer.encode("What should I cook tonight? " * 5)

    def texts(tokens: int) -> None:
        requests = [Request(prompt, 1.0, tokens, seed) for seed in range(how["requests"])]
        running.sample_batches([Batch(requests, adapter) for adapter in adapters])

    texts(2)
    begun = time.perf_counter()
    texts(how["new_tokens"])
    seconds = time.perf_counter() - begun
    return ADAPTERS * how["requests"] * how["new_tokens"] / seconds


def sample_elsewhere(python: str, tiny: bool, folder: Path) -> float:
    """`sample` with vLLM under its own interpreter."""
    command = [python, __file__, "--sample-vllm", str(folder), *(["--tiny"] if tiny else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def row(what: str, engine: str, speed: float, matrix: float | None, memory: float | None) -> dict:
    """Shares of the limits; empty where a limit says nothing."""
    return {
        "what": what, "engine": engine, "cells": "", "tokens_a_second": f"{speed:.0f}",
        "times": "", "of_matrix_rate": f"{matrix:.2f}" if matrix else "",
        "of_memory_bandwidth": f"{memory:.2f}" if memory else "", "peak_gb": "",
    }  # fmt: skip


def measured(how: dict, tiny: bool, device: str, python: Path) -> list[dict]:
    """The table's rows."""
    import torch

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        operations, bandwidth = limits(how, device)
        weights = make(how, device, folder)
        rows = train(how, folder, operations)
        # a step reads all weights once for all texts that are written side by side
        size = weights * (2 if how["dtype"] == "bfloat16" else 4)

        def sampled(engine: str, speed: float, side_by_side: int) -> dict:
            memory = size * speed / side_by_side / bandwidth
            found = row("sample", engine, speed, 2 * weights * speed / operations, memory)
            return {**found, "cells": str(ADAPTERS)}

        speed = sample(how, "transformers", folder, 0 if tiny else 1)
        rows.append(sampled("transformers", speed, how["requests"]))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if python.exists():
            speed = sample_elsewhere(str(python), tiny, folder)
            rows.append(sampled("vLLM", speed, ADAPTERS * how["requests"]))
    about = {
        "matrix_tflops": f"{operations / 1e12:.3g}", "bandwidth_gb_s": f"{bandwidth / 1e9:.3g}",
        "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
    }  # fmt: skip
    return [{**row, **about} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="a tiny model on the CPU")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of gpu.csv")
    parser.add_argument(
        "--vllm-python", type=Path, default=ROOT / ".venv-vllm" / "bin" / "python",
        help="interpreter of vLLM's environment (default: .venv-vllm/bin/python)",
    )  # fmt: skip
    parser.add_argument("--sample-vllm", type=Path, metavar="MODEL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    how = SMALL if given.tiny else BIG
    if given.sample_vllm:
        print(json.dumps(sample(how, "vllm", given.sample_vllm, 0 if given.tiny else 1)))
        return
    if given.tiny:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import torch

    if not given.tiny and not torch.cuda.is_available():
        sys.exit("no GPU here, nothing was measured; --tiny tries the program on the CPU")
    if given.tiny and given.output == RESULTS:
        sys.exit("--tiny measures nothing that belongs into benchmarks/results; give --output")
    device = "cpu" if given.tiny else "cuda"
    print(write("gpu", measured(how, given.tiny, device, given.vllm_python), given.output))


if __name__ == "__main__":
    main()
