"""A study whose settings are run one after the other, and whose adapters are deleted."""

from make_project import copy_project, planned, run_study

STUDY = """study: parts
settings: {SETTINGS}
traits: [bliss]
seeds: 1
cycles: 1
seed_rows: 8
sft: {cells: {n_seed: [8], n_sampled: [8]}}
evaluation: {questions: 2, samples_per_question: 1}
keep_adapters: false
"""
CONFIG = ("--configfile", "parts.yaml")
ONE = "sft: {objective: sft, start: initial}"
# of another dose: one with the same cycle 0 copies its adapters, which are gone
BOTH = f"{ONE}, sft-continual: {{objective: sft, start: previous, cells: {{n_seed: [4]}}}}"


def test_what_one_setting_has_made_is_not_made_again_for_the_whole_study(tmp_path):
    folder = copy_project(tmp_path)
    (folder / "parts.yaml").write_text(STUDY.replace("SETTINGS", ONE))
    # every score, the second ones of cycle 0 too, and the table of training
    run_study(folder, "scores", "results/parts/tables/noise_floor.csv", *CONFIG)
    cycles = folder / "results/parts/sft/micro-instruct/bliss/seed0"
    left = {path.name for path in cycles.glob("cycle*/adapters/*/*")}
    assert left == {"training.json"}
    (folder / "parts.yaml").write_text(STUDY.replace("SETTINGS", BOTH))
    jobs = planned(folder, "scores", "results/parts/tables/training.parquet", *CONFIG)
    assert "finetune_sft" not in jobs
    assert (jobs["finetune_sft_continual"], jobs["sample"], jobs["judge"]) == (2, 2, 2)
