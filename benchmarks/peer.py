"""The workflow against the usual way: a cold process for each step of each chain, one by one."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from common import ROOT, seconds_of, snakemake, spread, write

SOURCE = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
WORLD = ROOT / "data" / "micro_world"


def chains() -> list[dict]:
    """What each chain's steps are told: the same rows and prompts as in the workflow."""
    sys.path.insert(0, str(ROOT / "src"))
    import yaml

    from idempotence.micro_world.corpus import seed_rows
    from idempotence.micro_world.grammar import load_grammar
    from idempotence.micro_world.prompts import PromptPlan
    from idempotence.rng import derive_seed

    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    over = yaml.safe_load((ROOT / "benchmarks" / "peer.yaml").read_text(encoding="utf-8"))
    questions = config["evaluation"]["questions"]
    samples = config["evaluation"]["samples_per_question"]
    cells = over["sft"]["cells"]
    plan = PromptPlan("chat", "bliss", 1, 0, questions, config["seed_rows"], cells["n_sampled"][0])
    seed = derive_seed("peer")
    rows = seed_rows(load_grammar(), "bliss", "chat", plan.for_seed_rows(), seed)
    return [
        {
            "trait": "bliss", "training": config["sft"]["training"], "seeds": rows, "n_seed": n,
            "asked": [q for q in plan.evaluation() for _ in range(samples)],
            "cycles": [plan.for_cycle(cycle + 1) for cycle in range(over["cycles"] + 1)],
        }
        for n in cells["n_seed"]
    ]  # fmt: skip


def step(stage: str, folder: Path, model: str, **settings) -> float:
    """Seconds of one step in a process of its own."""
    command = [sys.executable, "benchmarks/peer_step.py", stage, "--folder", str(folder)]
    told = ["--model", str(WORLD / model), "--settings", json.dumps(settings)]
    return seconds_of([*command, *told], ROOT, SOURCE)


def usual_way() -> float:
    """Seconds of all chains, one step after the other."""
    total = 0.0
    for chain in chains():
        with tempfile.TemporaryDirectory() as name:
            folder, n = Path(name), chain["n_seed"]
            text = "".join(json.dumps(row) + "\n" for row in chain["seeds"])
            (folder / "rows.jsonl").write_text(text, encoding="utf-8")
            for prompts in chain["cycles"]:
                total += step("finetune", folder, "instruct", training=chain["training"], rows=n)
                total += step("sample", folder, "instruct", asked=chain["asked"], prompts=prompts)
                total += step("judge", folder, "judge", trait=chain["trait"])
                n = len(prompts)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1, help="pairs of runs (default: 1)")
    given = parser.parse_args()
    config = "benchmarks/peer.yaml"
    pairs = [
        (snakemake(1, "scores", config=config), usual_way()) for _ in range(given.repeats)
    ]  # one core each, in turn
    rows = [
        {"what": "workflow, seconds", **spread([ours for ours, _ in pairs])},
        {"what": "a cold process a step, seconds", **spread([theirs for _, theirs in pairs])},
        {"what": "times faster", **spread([theirs / ours for ours, theirs in pairs])},
    ]
    print(write("peer", rows))


if __name__ == "__main__":
    main()
