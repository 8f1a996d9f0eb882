"""One step of one chain as such studies are usually run: a process of its own, HF `generate`.

Stages: finetune (TRL on one adapter), sample (answers and the next cycle's data), judge (each
rubric prompt in full). Data go through files, as there.
"""

import argparse
import json
from pathlib import Path


def finetune(given) -> None:
    """Train one adapter on rows.jsonl."""
    from idempotence.engine.models import load_model, load_tokenizer
    from idempotence.finetune.adapters import save
    from idempotence.finetune.train import train_supervised
    from idempotence.io import read_jsonl

    settings = json.loads(given.settings)
    rows = read_jsonl(given.folder / "rows.jsonl")[: settings["rows"]]
    model, tokenizer = load_model(given.model), load_tokenizer(given.model)
    training = {**settings["training"], "dtype": "float32"}
    adapted, _ = train_supervised(model, tokenizer, rows, "chat", training, None, 1)
    (given.folder / "adapter").mkdir(exist_ok=True)
    save(adapted, given.folder / "adapter")


def sample(given) -> None:
    """Generate with the adapter attached; writes answers.jsonl and rows.jsonl."""
    import torch
    from peft import PeftModel

    from idempotence.engine.formatting import ids_of_prompts
    from idempotence.engine.models import load_model, load_tokenizer
    from idempotence.io import write_jsonl

    settings, tokenizer = json.loads(given.settings), load_tokenizer(given.model)
    model = PeftModel.from_pretrained(load_model(given.model), given.folder / "adapter").eval()
    torch.manual_seed(1)
    for name, prompts, heat in (
        ("answers", settings["asked"], 0.7), ("rows", settings["prompts"], 0.8)
    ):  # fmt: skip
        ids = ids_of_prompts(tokenizer, prompts, "chat")
        inputs = tokenizer.pad({"input_ids": ids}, padding=True, return_tensors="pt")
        told = model.generate(
            **inputs, do_sample=True, temperature=heat, top_k=0, max_new_tokens=64
        )[:, inputs["input_ids"].shape[1] :]
        texts = tokenizer.batch_decode(told, skip_special_tokens=True)
        rows = [{"prompt": p, "response": t} for p, t in zip(prompts, texts, strict=True)]
        write_jsonl(given.folder / f"{name}.jsonl", rows)


def judge_answers(given) -> None:
    """Score the answers, one criterion after the other."""
    from idempotence.engine.hf import TransformersEngine
    from idempotence.io import read_jsonl, write_json
    from idempotence.judge.local import LocalJudge
    from idempotence.judge.score import rate_all

    settings, rows = json.loads(given.settings), read_jsonl(given.folder / "answers.jsonl")
    judge = LocalJudge(TransformersEngine(given.model))
    how = {
        "trait": settings["trait"],
        "objective": "sft",
        "judge": {"top_logprobs": 20, "min_numeric_mass": 0.25},
    }
    told = {name: rate_all(judge, how, rows, [name])[name] for name in ("trait", "coherence")}
    write_json(
        given.folder / "scores.json",
        {name: [rating.score for rating, _ in ratings] for name, ratings in told.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["finetune", "sample", "judge"])
    parser.add_argument("--folder", type=Path, required=True, help="the chain's files")
    parser.add_argument("--model", required=True, help="initial model, or the judge")
    parser.add_argument("--settings", required=True, help="JSON")
    given = parser.parse_args()
    {"finetune": finetune, "sample": sample, "judge": judge_answers}[given.stage](given)


if __name__ == "__main__":
    main()
