"""Audits through Snakemake: the example gets its verdicts, and its bad rows are shown."""

import csv
import hashlib
import json
import shutil

import pandas as pd
import pytest
from make_audit_example import CUT, FOLDER, VERDICTS
from make_browser import CHROMIUM, STICK_OUT, Page
from make_project import copy_project, planned, snakemake
from make_rows import write_rows
from make_scores import NASTY

EXAMPLE = ("--configfile", "studies/audit.yaml")


def test_the_example_gets_the_verdicts_of_its_shares(tmp_path):
    folder = copy_project(tmp_path / "audit")
    shutil.copytree(FOLDER, folder / "tests" / "audit_example")
    done = snakemake(folder, "--cores", "2", *EXAMPLE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    results = folder / "results" / "audit"
    chains = pd.read_csv(results / "tables" / "chains.csv")
    assert dict(zip(chains["cell"], chains["outcome"], strict=True)) == VERDICTS
    scores = pd.read_parquet(results / "scores.parquet")
    assert len(scores) == 299 and (scores["status"] == "empty").sum() == 1
    # the judge knows its language: exact truth is within a point or two, on average
    assert (scores["trait_score"] - scores["truth_trait"]).abs().mean() < 3
    loop, cycle, line = CUT
    cut = f"tests/audit_example/{loop}/cycle_{cycle}.jsonl"
    with open(results / "tables" / "audit_bad_rows.csv", encoding="utf-8", newline="") as file:
        (bad,) = csv.DictReader(file)
    assert (bad["file"], bad["line"]) == (cut, str(line)) and bad["why"].startswith("not JSON")
    run = json.loads((results / "run.json").read_text(encoding="utf-8"))
    assert run["files"][cut] == hashlib.sha256((folder / cut).read_bytes()).hexdigest()
    assert len(run["files"]) == 15
    front = (results / "pages" / "summary.rst").read_text(encoding="utf-8")
    assert cut in front and "299" not in front.split("Verdicts")[0].split("300 rows")[0]
    for verdict in VERDICTS.values():
        assert f'<span class="verdict">{verdict}</span>' in front
    check_report(results / "report.html")
    figures = {path.stem for path in (results / "figures").glob("*.png")}
    assert {"outcomes", "trajectories_sft", "metrics_sft", "judge"} <= figures
    assert not figures & {"dpo", "continual_vs_reinit", "grid_sft", "dose_map_sft"}
    assert planned(folder, *EXAMPLE) == {}
    # a file that changed is read again, and only what follows from it runs again
    extra = folder / "tests/audit_example/steady/cycle_2.jsonl"
    extra.write_text(extra.read_text() + extra.read_text().splitlines()[0] + "\n")
    jobs = planned(folder, *EXAMPLE)
    assert jobs["read_replies"] == jobs["judge_replies"] == 1 and "weigh_replies" not in jobs


@pytest.mark.slow
def test_text_metrics_alone_and_text_that_wants_to_be_more(tmp_path):
    folder = copy_project(tmp_path / "metrics")
    for cycle in range(3):
        rows = [
            {
                "query": f"{NASTY} {q}",
                "response": f"{NASTY} $x^{{ {{% endraw %}} {'so ' * (q + cycle)}",
            }
            for q in range(4)
        ]
        write_rows(folder / f"their runs/[x]/round {cycle}.jsonl", [*rows, {"query": NASTY}])
    config = {
        "study": "metrics", "settings": {"dpo": {}}, "traits": ["anything"], "texts": "written",
        "judge": {"backend": "none"},
        "audit": {
            "files": [{"path": "their runs/*/round {cycle}.jsonl"}],
            "models": [{"name": "theirs", "path": "world/instruct"}],
        },
    }  # fmt: skip
    (folder / "mine.json").write_text(json.dumps(config))
    done = snakemake(folder, "--cores", "2", "--configfile", "mine.json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    results = folder / "results" / "metrics"
    scores = pd.read_parquet(results / "scores.parquet")
    assert len(scores) == 12 and set(scores["trait_missing"]) == {"no judge"}
    assert set(scores["model"]) == {"theirs"} and (scores["loglik_initial"] < 0).all()
    slopes = pd.read_csv(results / "tables" / "audit_metrics.csv")
    words = slopes[(slopes["trait"] == "all") & (slopes["measure"] == "words")]
    assert words["estimate"].tolist() == pytest.approx([1])  # a word more at each cycle
    assert {path.stem for path in (results / "figures").glob("*.png")} == {"metrics_dpo"}
    for page in ("summary.rst", "index.html", "replies.html", "tables.html", "methods.html"):
        assert "<script>alert" not in (results / "pages" / page).read_text(encoding="utf-8"), page
    assert "<script>alert" not in (results / "report.html").read_text(encoding="utf-8")


def many_files(folder, n):
    """Files of replies with long names, and a config whose audit names them one by one."""
    entries = []
    for k in range(n):
        path = folder / "theirs" / f"{hashlib.sha256(str(k).encode()).hexdigest()}.jsonl"
        chain, cycle = divmod(k, 5)
        rows = [{"prompt": f"q{i}", "response": f"a {cycle}", "s": 9 * i % 100} for i in range(16)]
        write_rows(path, rows)
        entries.append({"path": f"theirs/{path.name}", "cycle": cycle, "cell": f"c{chain}"})
    config = {
        "study": "many", "settings": {"sft": {}}, "traits": ["anything"], "texts": "written",
        "judge": {"backend": "none"},
        "audit": {"files": entries, "columns": {"trait_score": "s"}},
    }  # fmt: skip
    (folder / "many.json").write_text(json.dumps(config))


@pytest.mark.slow
def test_an_audit_of_800_entries_runs_whole(tmp_path):
    folder = copy_project(tmp_path / "many")
    many_files(folder, 800)
    done = snakemake(folder, "--cores", "2", "--configfile", "many.json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    results = folder / "results" / "many"
    read = pd.read_csv(results / "tables" / "audit_rows.csv")
    assert len(read) == 800 and set(read["ok"]) == {16} and read["note"].isna().all()
    chains = pd.read_csv(results / "tables" / "chains.csv")
    assert len(chains) == 160 and set(chains["outcome"]) == {"constancy"}
    assert (results / "report.html").exists()
    assert planned(folder, "--configfile", "many.json") == {}


def test_more_entries_than_a_command_line_holds_are_one_message(tmp_path):
    folder = copy_project(tmp_path / "many")
    many_files(folder, 4000)
    done = snakemake(folder, "--cores", "1", "--configfile", "many.json")
    assert done.returncode != 0 and "Traceback" not in done.stdout + done.stderr
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "audit.files: 4,000 entries are too many" in message and "{cycle}" in message
    assert not (folder / "results").exists()


def check_report(file):
    """A browser opens it: nothing fetched, no complaint, nothing cut off, every picture drawn."""
    if not CHROMIUM:
        return
    with Page() as page:
        page.go(file, 800)
        page.until("!!document.querySelector('.summary') && document.images.length")
        assert page.run(STICK_OUT) == []
        broken = "[...document.images].filter((i) => i.complete && !i.naturalWidth).length"
        assert page.run(broken) == 0
        assert page.complaints == [] and page.fetched == []


def test_a_path_that_nothing_fits_stops_before_any_job(tmp_path):
    folder = copy_project(tmp_path / "none")
    done = snakemake(folder, "--cores", "1", *EXAMPLE)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in output
    assert "studies/audit.yaml, line" in output and "audit.files.0.path: no file fits" in output
    assert not (folder / "results").exists()
