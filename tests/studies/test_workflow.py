"""The tiny study through Snakemake: run, run again, lose a file, break the config."""

import json
import os
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from make_browser import CHROMIUM, STICK_OUT, Page
from make_project import ROOT, copy_project, digest, planned, run_study, show_study, snakemake

from idempotence.io import read_jsonl

TINY = ("--configfile", "studies/tiny.yaml")
SLOW = {"marks": pytest.mark.slow}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A folder in which the tiny study has run on one core; what it printed is in console.txt."""
    folder = copy_project(tmp_path_factory.mktemp("one"))
    done = show_study(folder, *TINY)
    assert done.returncode == 0, done.stderr[-6000:]
    (folder / "console.txt").write_text(done.stdout + done.stderr)
    return folder


def test_the_tiny_study_runs_to_its_report(study):
    results = study / "results" / "tiny"
    assert (results / "report.html").stat().st_size > 100_000
    scores = pd.read_parquet(results / "scores.parquet")
    # 5 settings x 3 cycles x 12 questions x 2 samples
    assert len(scores) == 5 * 3 * 12 * 2
    assert scores["truth_trait"].notna().all()
    training = pd.read_csv(results / "tables" / "training.csv")
    assert set(training["cycle"]) == {0, 1, 2} and training["loss"].notna().all()
    # twins draw the same numbers: their cycle 0 is the same model
    for one, other in (("sft", "sft-continual"), ("dpo", "dpo-reinit")):
        zero = scores[scores["cycle"] == 0]
        mine, theirs = (zero[zero["setting"] == name] for name in (one, other))
        assert list(mine["response"]) == list(theirs["response"])
    later = scores[scores["cycle"] == 2]
    texts = [list(later[later["setting"] == name]["response"]) for name in ("dpo", "dpo-reinit")]
    assert texts[0] != texts[1]


def test_the_console_says_what_runs_how_far_it_is_and_what_came_out(study):
    lines = (study / "console.txt").read_text().splitlines()
    assert len(lines) <= 150
    (head,) = (number for number, line in enumerate(lines) if line.startswith("Study tiny"))
    assert "5 chains in 5 panels, 15 cycles of panels, 0 of them done" in lines[head]
    assert "on 1 core, of these 13 finetune, 13 sample, 15 judge" in lines[head + 1]
    new = [
        int(n) for line in lines for n in re.findall(r"; (\d+) new cycles? of panels: trait", line)
    ]
    assert sum(new) == 15
    claims = json.loads((study / "results/tiny/claims.json").read_text())
    table = lines[lines.index("The paper's claims in this study:") + 1 :]
    for claim in claims:
        assert [line for line in table if line.startswith(f"{claim['id']}  {claim['verdict']} ")]
    assert "The report: results/tiny/report.html" in table
    (log,) = (line.removeprefix("Snakemake's log: ") for line in table if "'s log" in line)
    assert "finetune_sft_continual" in (study / log).read_text()  # the whole listing
    assert "rule finetune" not in "\n".join(lines)


def test_a_failed_job_shows_the_end_of_its_log(study):
    script, panel = study / "scripts" / "judge.py", "dpo/micro-instruct/bliss/seed0"
    before, file = script.read_text(), f"results/tiny/{panel}/cycle2/scores.parquet"
    kept = digest(study / file)
    script.write_text('for n in range(40):\n    print("line", n)\nraise OSError("no judge")\n')
    done = show_study(study, file, *TINY)
    script.write_text(before)
    assert done.returncode != 0
    lines = done.stderr.splitlines()
    failed = lines.index(
        "Failed: judge (setting=dpo, model=micro-instruct, trait=bliss, seed=0, cycle=2)"
    )
    (log,) = (
        n for n, line in enumerate(lines) if line.endswith("dpo.micro-instruct.bliss.0.2.log:")
    )
    shown = [line for line in lines[log + 1 :] if line.startswith("    ")]
    assert failed < log and len(shown) == 15 and shown[-1] == "    OSError: no judge"
    assert "    line 39" in shown and "    line 20" not in shown
    assert any("1 failed" in line for line in lines)
    run_study(study, *TINY, cores=1)
    assert digest(study / file) == kept and planned(study, *TINY) == {}


def test_files_of_the_loop_are_named_by_settings_and_every_table_has_two_forms(study):
    results = study / "results" / "tiny"
    # sft-continual has the doses of sft; dpo calibrates none
    doses = (results / "calibration").rglob("*.json")
    assert sorted(str(file.relative_to(results / "calibration")) for file in doses) == [
        "sdf/micro-base/bliss.json", "sft/micro-instruct/bliss.json",
    ]  # fmt: skip
    for file in results.rglob("generated.jsonl"):
        # the last cycle's samples would be trained on by none
        assert (read_jsonl(file) == []) == (file.parent.name == "cycle2"), file
    tables = {file.stem for file in (results / "tables").glob("*.csv")}
    parquet = {file.stem for file in (results / "tables").glob("*.parquet")}
    # the exact means of all chains lie beside the scores
    assert tables - parquet == {"trajectories"} and not parquet - tables
    assert (results / "trajectories.parquet").exists()


def test_every_job_with_a_model_measures_itself_and_the_costs_are_those_measures(study):
    results = study / "results" / "tiny"
    files = sorted((results / "benchmarks").rglob("*.tsv"))
    # per setting and cycle; cycle 0 of two settings is copied
    assert Counter(file.parent.name for file in files) == {
        "calibrate": 2, "seed_data": 3, "finetune": 5 * 3 - 2, "sample": 5 * 3 - 2,
        "judge": 5 * 3, "sample_initial": 2, "judge_initial": 2,
        # models of cycle 0 that are no copies, and initial ones
        "sample_again": 3, "judge_again": 3, "sample_initial_again": 2, "judge_initial_again": 2,
    }  # fmt: skip
    used = {file: pd.read_csv(file, sep="\t").iloc[0] for file in files}
    for file, job in used.items():
        # the job's own process, not the launcher that waits for it
        assert job["max_rss"] > 150, file
        assert job["s"] > 0 and job["cpu_time"] > 0 and job["mean_load"] > 0, file
    costs = pd.read_csv(results / "tables" / "costs.csv").set_index(["stage", "setting"])
    assert {"finetune", "sample", "judge"} == {stage for stage, _ in costs.index}
    for (stage, setting), row in costs.iterrows():
        own = [job for file, job in used.items() if file.match(f"{stage}/{setting}.*.tsv")]
        assert row["jobs"] == row["timed"] == len(own) > 0
        assert row["seconds"] == pytest.approx(sum(job["s"] for job in own), abs=0.01)
        assert row["memory_mb"] == pytest.approx(max(job["max_rss"] for job in own), abs=0.01)
        cpu = sum(job["cpu_time"] for job in own)
        assert row["load"] == pytest.approx(cpu / row["seconds"], rel=0.01) and row["load"] > 0


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")
def test_the_report_opens_from_its_file_alone(study, tmp_path):
    file = shutil.copy(study / "results" / "tiny" / "report.html", tmp_path)
    with Page() as page:
        for width in (800, 1280):
            page.go(Path(file), width)
            page.until("!!document.querySelector('.summary') && document.images.length")
            assert page.run(STICK_OUT) == []
        claims = page.run(
            "[...document.querySelectorAll('.summary tbody th b')].map((b) => b.innerText)"
        )
        assert claims[:9] == [f"C{i}" for i in range(1, 10)]
        broken = "[...document.images].filter((i) => i.complete && !i.naturalWidth).length"
        assert page.run(broken) == 0
        items = "[...document.querySelectorAll('nav *')].filter((e) => !e.children.length)"
        page.run(f"{items}.find((e) => e.textContent.trim() === 'Replies').click()")
        page.until("!!document.querySelector('nav a[iconname=eye]')")
        page.run("document.querySelector('nav a[iconname=eye]').click()")
        page.until("(document.querySelector('iframe') || {src: ''}).src.includes('replies.html')")
        assert page.complaints == [] and page.fetched == []


def test_a_second_run_has_nothing_to_do(study):
    assert planned(study, *TINY) == {}
    (study / "src" / "idempotence" / "finetune" / "train.py").touch()
    (study / "scripts" / "judge.py").touch()
    assert planned(study, *TINY) == {}


def test_an_edit_of_the_figure_plans_the_figure_and_the_report(study):
    module = study / "src" / "idempotence" / "figures" / "judge.py"
    before = module.read_text()
    module.write_text(before + "\n# a comment\n")
    assert planned(study, *TINY) == {}
    module.write_text(before + "\nEXTRA = 1\n")
    assert planned(study, *TINY) == {"plot_judge": 1, "report": 1, "all": 1}
    module.write_text(before)


def test_an_edit_of_published_numbers_plans_what_shows_them(study):
    shown_by = {
        "series": {"plot_trajectories", "plot_dpo", "compare_shapes"},
        "numbers": {"judge_claims"},
    }
    for name, rules in shown_by.items():
        file = study / "data" / "published" / f"{name}.csv"
        before, times = file.read_text(), file.stat()
        file.write_text(before.replace(",46.0,", ",46.5,").replace(",34.7,", ",34.5,"))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # content counts, not age
        jobs = set(planned(study, *TINY))
        file.write_text(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert rules <= jobs and not {"follow_chains", "plot_outcomes", "fit_slopes"} & jobs
    assert planned(study, *TINY) == {}


@pytest.mark.parametrize(
    "edit, planned_too, untouched",
    [
        (
            "sft={training: {learning_rate: 1.234e-3}}",
            {"calibrate", "finetune_sft", "finetune_sft_continual", "sample", "judge"},
            {"seed_data", "finetune_sdf", "finetune_dpo", "sample_initial", "judge_initial"},
        ),
        (
            "evaluation={temperature: 0.9}",
            {"calibrate", "sample", "sample_initial", "judge"},
            {"seed_data"},
        ),
        (
            "judge={min_numeric_mass: 0.3}",
            {"calibrate", "judge", "judge_initial"},
            {"seed_data", "sample_initial"},
        ),
        (
            "analysis={confidence: 0.9}",
            {"fit_slopes", "summarise_chains", "plot_outcomes", "write_run"},
            {"gather_scores", "judge", "sample", "finetune_sft", "plot_judge"},
        ),
        ("judge={memory_mb: 500}", {"write_run", "report"}, {"judge", "judge_initial", "sample"}),
    ],
)
def test_an_edit_of_the_config_plans_what_uses_it(study, edit, planned_too, untouched):
    jobs = planned(study, *TINY, "--config", edit)
    assert planned_too <= set(jobs) and not untouched & set(jobs), jobs


def test_lost_files_are_made_again_with_the_same_bytes(study):
    results = study / "results" / "tiny"
    panel = results / "dpo" / "micro-instruct" / "bliss" / "seed0"
    # file -> a rule that must not run for it
    lost = {
        results / "figures" / "judge.pdf": "judge",
        results / "pages" / "tables.html": "show_replies",
        results / "scores.parquet": "judge",
        panel / "cycle2" / "scores.parquet": "sample",
        panel / "cycle1" / "responses.jsonl": "finetune_sft",
        panel
        / "cycle1"
        / "adapters"
        / "beta0.1_pairs16"
        / "adapter_model.safetensors": "seed_data",
    }
    kept = {path: digest(path) for path in lost}
    for path, untouched in lost.items():
        away = path.rename(path.with_name("away"))
        jobs = planned(study, *TINY)
        assert jobs and untouched not in jobs, (path, jobs)
        away.rename(path)
    # jobs that run again change the costs, which the page shows
    for group in (list(lost)[:2], list(lost)[2:]):
        for path in group:
            path.unlink()
        run_study(study, *TINY, cores=1)
        assert {path: digest(path) for path in group} == {path: kept[path] for path in group}
    assert planned(study, *TINY) == {}


@pytest.mark.parametrize(
    "lost, jobs",
    [
        ("sft/micro-instruct/bliss/seed0/seed_data.jsonl", {"seed_data": 1}),
        ("scores.parquet", {"gather_scores": 1}),
        pytest.param(
            "sft/micro-instruct/bliss/seed0/cycle0/generated.jsonl", {"sample": 1}, **SLOW
        ),
        pytest.param(
            "sft-continual/micro-instruct/bliss/seed0/cycle0/generated.jsonl",
            {"copy_first_cycle_sft_continual": 1},
            **SLOW,
        ),
        pytest.param("initial/micro-instruct/bliss/scores.parquet", {"judge_initial": 1}, **SLOW),
        pytest.param("figures/tradeoff.svg", {"plot_tradeoff": 1}, **SLOW),
        pytest.param("report.html", {"report": 1}, **SLOW),
    ],
)
def test_missing_makes_a_lost_file_alone(study, lost, jobs):
    file = study / "results" / "tiny" / lost
    before = digest(file)
    file.unlink()
    assert planned(study, "missing", *TINY) == {**jobs, "missing": 1}
    run_study(study, "missing", *TINY, cores=1)
    assert digest(file) == before or lost == "report.html"  # which holds the time of its writing
    # what follows has not changed, by its checksum, so nothing is left to do
    assert planned(study, *TINY) == {}


@pytest.mark.slow
def test_two_cores_and_another_folder_give_the_same_bytes(study, tmp_path):
    folder = copy_project(tmp_path / "two")
    run_study(folder, "scores", *TINY)
    files = sorted((study / "results" / "tiny").rglob("*scores.parquet"))
    assert len(files) >= 5 * 3 + 1
    for file in files:
        assert digest(folder / file.relative_to(study)) == digest(file), file


def test_the_plan_is_what_was_done(study):
    from idempotence.cost_estimate.work import search

    results = study / "results" / "tiny"
    done = snakemake(study, "plan", *TINY)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "tokens to sample" in done.stdout
    plan = pd.read_csv(results / "plan.csv", keep_default_na=False)
    total = plan[plan["rule"] == "total"].iloc[0]
    jobs = plan[plan["rule"] != "total"].groupby("rule")["jobs"].sum()
    assert jobs.to_dict() == planned(study, "--forceall", *TINY)
    loop = (
        plan[plan["setting"] != ""]
        .groupby("setting")[["answers", "generated", "rows_trained"]]
        .sum()
    )
    scores = pd.read_parquet(results / "scores.parquet")
    assert loop["answers"].to_dict() == scores.groupby("setting").size().to_dict()
    for setting in loop.index:
        files = (results / setting).rglob("generated.jsonl")
        assert loop["generated"][setting] == sum(len(read_jsonl(file)) for file in files)
    runs = pd.read_csv(results / "tables" / "training.csv")
    runs = runs.drop_duplicates(["setting", "cycle", "cell"])
    copied = runs["setting"].isin(["sft-continual", "dpo-reinit"]) & (runs["cycle"] == 0)
    runs = runs[~copied].set_index("setting")
    trained = (runs["rows"] + runs["dropped"]).groupby("setting").sum()
    # a calibrated dose is known only after its search; before it one is taken
    calibrated = runs[(runs["cycle"] == 0) & runs["cell"].str.startswith("level")]
    taken = search((40.0,), 16, 64)[0]["40"]
    trained = trained.add(taken - calibrated["rows"], fill_value=0)
    assert loop["rows_trained"].to_dict() == trained.to_dict()
    adapters = sum(file.stat().st_size for file in results.rglob("adapter_model.safetensors"))
    assert float(total["gb_adapters"]) * 1e9 == pytest.approx(adapters, rel=0.02)
    assert planned(study, *TINY) == {}


@pytest.mark.slow
def test_a_second_judge_scores_the_same_replies_and_touches_nothing_of_the_first(study):
    results = study / "results" / "tiny"
    second = ("--config", "second_judge={backend: local, path: world/judge, min_numeric_mass: 0.9}")
    before = {path: digest(path) for path in results.rglob("scores.parquet")}
    jobs = planned(study, *TINY, *second)
    new = {"judge_second", "gather_second", "tabulate_judge_second", "judge_agreement"}
    # the table of costs, the page of tables, the written config and the report follow
    assert set(jobs) == new | {"tabulate_costs", "show_tables", "write_run", "report", "all"}
    run_study(study, "judge_agreement", *TINY, *second, cores=1)
    assert before == {path: digest(path) for path in results.rglob("scores.parquet")}
    table = pd.read_csv(results / "tables" / "judge_agreement.csv")
    # the same model: what it scores at all, it scores the same
    assert table["n"].gt(0).all() and table["icc"].eq(1).all() and table["mae"].eq(0).all()
    assert (table["missing_second"] >= table["missing_first"]).all()
    verdicts = pd.read_csv(results / "tables" / "judge_verdicts.csv")
    assert verdicts["n_chains"].tolist() == [1] * 5 + [5]
    assert planned(study, *TINY) == {}


@pytest.mark.slow
def test_learning_rates_are_tried_on_cycle_0_alone(study):
    run_study(study, "tune", *TINY)
    table = pd.read_csv(study / "results" / "tiny" / "tuning" / "learning_rates.csv")
    assert sorted(table["objective"].unique()) == ["dpo", "sdf", "sft"]
    assert set(table["learning_rate"]) == {1e-3, 4e-3} and len(table) == 2 + 2 + 2 * 2
    assert table["trait_score"].notna().all()
    assert planned(study, *TINY) == {}


@pytest.mark.slow
def test_a_study_whose_chains_all_break_still_gets_its_report(tmp_path):
    folder = copy_project(tmp_path / "nan")
    (folder / "studies" / "nan.yaml").write_text(
        "study: broken\ntraits: [bliss]\nseeds: 1\nsettings:\n"
        "  sft: {objective: sft, start: initial}\n"
        "  sft-continual: {objective: sft, start: previous}\n"
        "cycles: 1\nseed_rows: 8\nevaluation: {questions: 2, samples_per_question: 1}\n"
        "sft:\n  cells: {n_seed: [8], n_sampled: [4]}\n  training: {learning_rate: 1.0e+38}\n"
    )
    run_study(folder, "--configfile", "studies/nan.yaml")
    results = folder / "results" / "broken"
    scores = pd.read_parquet(results / "scores.parquet")
    assert list(scores.groupby("cycle")["status"].unique().str[0]) == ["nan", "ended"]
    assert scores["trait_score"].isna().all() and (scores["reason"] != "").all()
    assert (results / "report.html").exists()


def test_another_study_is_not_as_shipped(study):
    shipped = Path("results/shipped/default")
    (study / shipped).mkdir(parents=True, exist_ok=True)
    for name in ("expected.csv", "noise_floor.csv", "run.json"):
        shutil.copy(ROOT / shipped / name, study / shipped)
    done = snakemake(study, "--cores", "1", *TINY, "--", "verify")
    assert done.returncode != 0
    assert "not as shipped: the run lacks" in done.stdout
    assert (study / "results/tiny/verification.csv").exists()
