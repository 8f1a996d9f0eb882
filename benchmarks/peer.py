"""The workflow against the usual way: a cold process for each step of each chain, one by one."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from common import ROOT, seconds_of, snakemake, spread, study_of, write

SOURCE = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
WORLD = ROOT / "data" / "micro_world"


def chains() -> list[dict]:
    """What each chain's steps work on: the same rows and prompts as in the workflow."""
    sys.path.insert(0, str(ROOT / "src"))
    from idempotence.texts.panel_texts import panel_texts
    from idempotence.workflow.study_jobs import StudyJobs

    study = study_of([ROOT / "config.yaml", ROOT / "benchmarks" / "peer.yaml"])
    jobs, (panel,) = StudyJobs(study), study.panels()
    job = jobs.sample(panel, 0)
    texts = panel_texts(job.panel, job.prompts)
    samples = job.evaluation.samples_per_question
    return [
        {
            "trait": panel.trait, "training": jobs.finetune(panel, 0).training.to_json(),
            "seeds": texts.seed_rows(), "n_seed": cell.n_seed,
            "questions": [q for q in texts.evaluation() for _ in range(samples)],
            "cycles": [
                texts.for_cycle(cycle + 1)[: cell.n_sampled]
                for cycle in range(panel.setting.cycles + 1)
            ],
        }
        for cell in panel.cells
    ]  # fmt: skip


def step(stage: str, folder: Path, model: str, **settings) -> float:
    """Seconds of one step in a process of its own."""
    command = [sys.executable, "benchmarks/peer_step.py", stage, "--folder", str(folder)]
    arguments = ["--model", str(WORLD / model), "--settings", json.dumps(settings)]
    return seconds_of([*command, *arguments], ROOT, SOURCE)


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
                total += step(
                    "sample", folder, "instruct", questions=chain["questions"], prompts=prompts
                )
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
        {"what": "a cold process per step, seconds", **spread([theirs for _, theirs in pairs])},
        {"what": "times faster", **spread([theirs / ours for ours, theirs in pairs])},
    ]
    print(write("peer", rows))


if __name__ == "__main__":
    main()
