"""One step of one chain as such studies are usually run: a process of its own, HF `generate`.

Stages: finetune (TRL on one adapter), sample (answers and the next cycle's data), judge (each
rubric prompt in full). Data go through files, as there.
"""

import argparse
import json
from pathlib import Path


def finetune(given) -> None:
    """Train one adapter on rows.jsonl."""
    from idempotence.engine.models import Weights, load_model, load_tokenizer
    from idempotence.finetune.one_by_one import train
    from idempotence.finetune.runs import Run
    from idempotence.io import read_jsonl
    from idempotence.jobs.parts import Training

    settings, weights = json.loads(given.settings), Weights(given.model)
    rows = read_jsonl(given.folder / "rows.jsonl")[: settings["rows"]]
    run = Run(rows, "chat", Training.from_json(settings["training"]), weights.dtype, seed=1)
    adapter, _ = train(load_model(weights), load_tokenizer(weights), run)
    adapter.save(given.folder / "adapter")


def sample(given) -> None:
    """Generate with the adapter attached; writes answers.jsonl and rows.jsonl."""
    import torch
    from peft import PeftModel

    from idempotence.engine.formatting import ids_of_prompts
    from idempotence.engine.models import Weights, load_model, load_tokenizer
    from idempotence.io import write_jsonl

    settings, weights = json.loads(given.settings), Weights(given.model)
    tokenizer = load_tokenizer(weights)
    model = PeftModel.from_pretrained(load_model(weights), given.folder / "adapter").eval()
    torch.manual_seed(1)
    for name, prompts, heat in (
        ("answers", settings["questions"], 0.7), ("rows", settings["prompts"], 0.8)
    ):  # fmt: skip
        ids = ids_of_prompts(tokenizer, prompts, "chat")
        inputs = tokenizer.pad({"input_ids": ids}, padding=True, return_tensors="pt")
        tokens = model.generate(
            **inputs, do_sample=True, temperature=heat, top_k=0, max_new_tokens=64
        )[:, inputs["input_ids"].shape[1] :]
        texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
        rows = [{"prompt": p, "response": t} for p, t in zip(prompts, texts, strict=True)]
        write_jsonl(given.folder / f"{name}.jsonl", rows)


def judge_answers(given) -> None:
    """Score the answers, one criterion after the other."""
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.io import read_jsonl, write_json
    from idempotence.jobs.parts import JudgeSpec
    from idempotence.judge.local import LocalJudge
    from idempotence.judge.rater import Rater
    from idempotence.texts.rubric import load_rubrics

    settings, rows = json.loads(given.settings), read_jsonl(given.folder / "answers.jsonl")
    judge = LocalJudge(TransformersEngine(Weights(given.model)))
    spec = JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25)
    rater = Rater(judge, spec, settings["trait"], load_rubrics())
    rated = {name: rater.rate(rows, [name])[name] for name in ("trait", "coherence")}
    write_json(
        given.folder / "scores.json",
        {name: [rating.score for rating, _ in ratings] for name, ratings in rated.items()},
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
