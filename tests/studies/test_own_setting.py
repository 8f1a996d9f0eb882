"""Settings of one's own, in config alone: they run and show wherever the published ones do."""

import json
from pathlib import Path

import pandas as pd
import pytest
from make_project import commands_in, copy_project, digest, planned, run_study, snakemake
from read_pages import packed

from idempotence.io import read_json

CONFIG = ("--configfile", "own.yaml")
# Another temperature with and without a restart, and twins of other doses.
STUDY = """study: own
settings:
  sft: {objective: sft, start: initial}
  hot: {objective: sft, start: previous, restart_at: [2], generation: {temperature: 1.0}}
  warm: {objective: sft, start: initial, generation: {temperature: 1.0}}
  mine: {objective: dpo, start: previous, cells: {beta: [0.05, 0.2]}}
  mine-reinit: {objective: dpo, start: initial, cells: {beta: [0.05, 0.2]}}
traits: [bliss]
seeds: 2
cycles: 2
seed_rows: 16
sft: {cells: {n_seed: [16], n_sampled: [8]}, generation: {temperature: 0.8}}
dpo: {cells: {pairs: [8], n_seed: 8}, generation: {temperature: 0.8}}
evaluation: {questions: 4, samples_per_question: 2}
analysis: {amplification_from_cycle: 1}
"""
SETTINGS = ["sft", "hot", "warm", "mine", "mine-reinit"]
HOT = "restart_at [2]; generation.temperature 1"
TITLES = {
    "sft": "SFT, every cycle from the initial model (sft)",
    "hot": f"SFT, every cycle from the previous model, {HOT} (hot)",
    "warm": "SFT, every cycle from the initial model, generation.temperature 1 (warm)",
    "mine": "DPO, every cycle from the previous model (mine)",
    "mine-reinit": "DPO, every cycle from the initial model (mine-reinit)",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder in which the study has run to its report."""
    folder = copy_project(tmp_path_factory.mktemp("own"))
    (folder / "own.yaml").write_text(STUDY)
    run_study(folder, *CONFIG)
    return folder


@pytest.fixture(scope="module")
def results(folder) -> Path:
    return folder / "results" / "own"


def table(results: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(results / "tables" / f"{name}.parquet")


def test_grids_and_maps_are_drawn_of_settings_with_several_doses(tmp_path):
    folder = copy_project(tmp_path / "dry")
    (folder / "own.yaml").write_text(STUDY)
    jobs = planned(folder, "figures", *CONFIG)
    assert jobs["plot_grid"] == jobs["plot_dose_map"] == 2  # mine and mine-reinit
    assert jobs["plot_trajectories"] == 5


def test_its_recipe_decides_its_jobs(tmp_path):
    folder = copy_project(tmp_path / "dry")
    (folder / "own.yaml").write_text(STUDY)
    dry = snakemake(folder, "-n", "-p", "loop", *CONFIG)
    assert dry.returncode == 0, dry.stderr[-3000:]
    commands = commands_in(dry.stdout)

    def command(script: str, setting: str, cycle: int) -> str:
        return commands[script, f"{setting}.micro-instruct.bliss.0.{cycle}"]

    assert "--previous" in command("finetune", "hot", 1)
    assert "--previous" not in command("finetune", "hot", 2)
    temperatures = {
        setting: json.loads(command("sample", setting, 0).split("'")[1])["generation"][
            "temperature"
        ]
        for setting in ("sft", "hot", "mine")
    }
    assert temperatures == {"sft": 0.8, "hot": 1.0, "mine": 0.8}
    assert '"beta":0.05' in command("finetune", "mine", 1)
    # the same cycle 0 is trained once
    assert ("finetune", "warm.micro-instruct.bliss.0.0") not in commands
    assert ("finetune", "mine-reinit.micro-instruct.bliss.0.0") not in commands


@pytest.mark.slow
def test_its_random_numbers_are_those_of_any_other_setting(folder, results):
    assert planned(folder, *CONFIG) == {}
    adapters = "micro-instruct/bliss/seed0/cycle0/adapters"
    weights = f"{adapters}/seed16_sampled8/adapter_model.safetensors"
    assert digest(results / "hot" / weights) == digest(results / "sft" / weights)
    generated = "micro-instruct/bliss/seed0/cycle0/generated.jsonl"
    assert digest(results / "hot" / generated) == digest(results / "warm" / generated)
    assert digest(results / "hot" / generated) != digest(results / "sft" / generated)


@pytest.mark.slow
def test_it_is_in_every_table_beside_the_published_setting(results):
    for name in ("amplification", "slopes", "chains", "equivalence", "rules", "training"):
        assert set(table(results, name)["setting"]) >= set(SETTINGS), name
    chains = table(results, "chains").set_index("setting")
    assert chains.loc["hot", "objective"].eq("sft").all()
    assert chains.loc["hot", "start"].eq("previous").all()
    assert set(chains.loc["mine", "beta"]) == {0.05, 0.2} and len(chains.loc["mine"]) == 4
    csv = pd.read_csv(results / "tables" / "amplification.csv")
    assert csv["setting"].tolist() == table(results, "amplification")["setting"].tolist()
    costs = table(results, "costs")
    assert set(costs["setting"]) == set(SETTINGS)


@pytest.mark.slow
def test_twins_of_ones_own_are_compared_chain_by_chain(results):
    means, pairs = table(results, "continual"), table(results, "continual_pairs")
    for rows in (means, pairs):
        assert set(zip(rows["continual"], rows["reinit"], strict=True)) == {("mine", "mine-reinit")}
    assert len(pairs) == 4 and set(pairs["cell"]) == {"beta0.05_pairs8", "beta0.2_pairs8"}
    slope = means[(means["trait"] == "all") & (means["measure"] == "slope")].iloc[0]
    assert slope["n_chains"] == 4
    assert slope["estimate"] == pytest.approx(pairs["slope_difference"].mean())


@pytest.mark.slow
def test_claims_show_a_changed_loop_and_are_decided_without_it(results):
    claims = read_json(results / "claims.json")
    parts = [part for claim in claims for part in claim["parts"]]
    changed = {(part["setting"], part["changes"]) for part in parts if "changes" in part}
    hot = ("hot", "restart_at [2]; generation.temperature 1")
    assert changed == {("warm", "generation.temperature 1"), hot}
    for claim in claims:
        verdicts = {part["verdict"] for part in claim["parts"] if part["decides"]}
        if claim["verdict"] not in ("not decided here", "not tested here"):
            assert claim["verdict"] in verdicts, claim["id"]
        if verdicts == {"not tested here"}:
            assert claim["verdict"] == "not tested here", claim["id"]
    # doses are no change of the loop: the claims on DPO are those of these twins
    (c4,) = (claim for claim in claims if claim["id"] == "C4")
    (deciding,) = (part for part in c4["parts"] if part["decides"])
    assert deciding["estimate"] is not None


@pytest.mark.slow
def test_figures_and_pages_show_it_with_its_recipe(results):
    drawn = {file.name for file in (results / "figures").iterdir()}
    for setting in SETTINGS:
        for figure in ("trajectories", "grid", "dose_map"):
            files = {f"{figure}_{setting}.{suffix}" for suffix in ("svg", "csv")}
            several = setting in ("mine", "mine-reinit")  # doses, which grids and maps compare
            assert (files <= drawn) == (figure == "trajectories" or several)
    caption = (results / "figures" / "trajectories_hot.txt").read_text(encoding="utf-8")
    assert HOT in caption
    front = (results / "pages" / "summary.rst").read_text(encoding="utf-8")
    replies = packed((results / "pages" / "replies.html").read_text(encoding="utf-8"))
    settings = {chain["setting"] for chain in replies["chains"]}
    for title in TITLES.values():
        assert title in front and title in settings, title
    report = (results / "report.html").read_text(encoding="utf-8")
    assert "trajectories_hot.svg" in report
