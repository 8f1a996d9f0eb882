"""Training cells on a model as wide as Qwen3-4B on the CPU, one by one and side by side.

Two layers of that model's shape with random weights, the tests' small vocabulary, rows of about 100
tokens, two a step. Here a single cell's step has enough rows for large matrix products, so this is
where training side by side gains least. One thread; seconds are of processor time. One by one at
most 5 cells are trained: what each takes does not depend on their number.
"""

import argparse
import sys

from common import ROOT, matrix_rate, write

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "helpers")]

from cells import (
    HYPERPARAMETERS,
    WAYS,
    in_turn,
    middle,
    operations,
    ratios,
    runs_of,
    start_as_jobs_do,
    trained_by,
)

SHAPE = {
    "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 2,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "max_position_embeddings": 4096, "tie_word_embeddings": True,
}  # fmt: skip
# cells -> (steps of each, repeats): a step of one cell takes 1 to 2 seconds
SIZES = {1: (2, 2), 5: (2, 1), 25: (2, 1)}
ALONE = 5  # the most cells one by one
BATCH = HYPERPARAMETERS.batch_size
CHARACTERS = 260  # of a row: about 100 tokens


def make():
    """(model, tokenizer)."""
    import torch
    from make_models import make_tokenizer
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = make_tokenizer(bos=False)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(0)
    config = Qwen3Config(**SHAPE, vocab_size=len(tokenizer), **ends)
    return Qwen3ForCausalLM(config).eval(), tokenizer


def rows_of_text(number: int) -> list[dict]:
    """Rows of English, a fifth shorter to a fifth longer than `CHARACTERS`."""
    text = " ".join((ROOT / "data/prompts/chats.txt").read_text(encoding="utf-8").splitlines())
    starts = range(0, number * 499, 499)
    lengths = [CHARACTERS * (80 + 10 * (i % 5)) // 100 for i in range(number)]
    return [
        {"prompt": "Go on.", "response": text[at : at + length]}
        for at, length in zip(starts, lengths, strict=True)
    ]


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    start_as_jobs_do()
    import torch

    torch.set_num_threads(1)
    model, tokenizer = make()
    rate = matrix_rate(BATCH * 100, SHAPE["hidden_size"], SHAPE["intermediate_size"])
    print(f"matrix products: {rate / 1e9:.0f} GFLOP/s", flush=True)
    rows = rows_of_text(max(cells * steps * BATCH for cells, (steps, _) in SIZES.items()))
    one = runs_of(rows, 1, 1, "chat", HYPERPARAMETERS, [None])
    in_turn(
        model, tokenizer, {way: trained_by(way, one) for way in WAYS}, 1
    )  # imports, first calls
    table = []
    for cells, (steps, repeats) in SIZES.items():
        runs = runs_of(rows, cells, steps * BATCH, "chat", HYPERPARAMETERS, [None])
        few = dict(list(runs.items())[:ALONE])
        variants = {
            "one_by_one": trained_by("one_by_one", few),
            "stacked": trained_by("stacked", runs),
        }
        found = in_turn(model, tokenizer, variants, repeats)
        row = {"cells": str(cells), "steps": str(steps)}
        for way, own in variants.items():
            seconds = middle(lambda each: each.seconds, found[way])
            share = operations(model, tokenizer, own) / seconds / rate
            row[f"{way}_tokens_a_second"] = f"{middle(lambda each: each.speed, found[way]):.0f}"
            row[f"{way}_of_matrix_rate"] = f"{share:.2f}"
            row[f"{way}_padded"] = f"{middle(lambda each: each.padded, found[way]):.2f}"
        times = ratios(found["stacked"], found["one_by_one"])
        row |= {"times": f"{sum(times) / len(times):.2f}", "n": str(repeats)}
        table.append(row)
        print(row, flush=True)
    print(write("training_wide", table))


if __name__ == "__main__":
    main()
