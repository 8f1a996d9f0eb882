"""The front page: numbers from the study's files, in a form that the report can take."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Environment
from make_loops import OWN, OWN_TITLE, make_loops
from make_scores import make_scores
from read_pages import check_standalone
from run_script import run_script

from idempotence.errors import UserError
from idempotence.io import read_table, write_parquet
from idempotence.report.pages import render
from idempotence.report.summary import StudyFiles, as_rst, summary
from idempotence.scores.schema import NO_JUDGE
from idempotence.stats.amplification import chains
from idempotence.stats.trajectories import trajectories

NASTY = "<script>alert(1)</script> {{ snakemake }}"
CLAIM = {
    "id": "C1", "claim": NASTY, "verdict": "not decided here",
    "published": {
        "says": "mostly", "where": "abstract",
        "numbers": [{"text": "rows: 2 rows, full text", "where": "full text"},
                    {"text": "rise: 46 points", "where": "authors' code"}],
    },
    "parts": [
        {"what": "a share", "estimate": 0.5, "ci_low": 0.25, "ci_high": 0.75,
         "rests_on": "ci", "decides": True, "verdict": "not decided here", "why": "",
         "published_value": ""},
        {"what": "another", "estimate": 0.5, "ci_low": 0.25, "ci_high": 0.75, "panel_low": 0.1,
         "panel_high": 0.9, "rests_on": "panels", "decides": False,
         "verdict": "not decided here", "why": "", "published_value": ""},
        {"what": "a slope", "estimate": None, "ci_low": None, "ci_high": None,
         "rests_on": "panels", "decides": True, "verdict": "not tested here",
         "why": "no such setting", "published_value": "0.5, abstract"},
    ],
}  # fmt: skip


LOOPS = make_loops(OWN)


@pytest.fixture
def files(tmp_path):
    """A study's files, with a setting of one's own."""
    scores = make_scores(settings=["sft", "dpo"], samples=1)
    own = scores[scores["setting"] == "sft"].assign(setting=OWN.name)
    scores = pd.concat([own, scores], ignore_index=True)
    run = {"setting": "sft", "model": "m", "trait": "bliss", "seed": 0, "cell": "a", "cycle": 0,
           "tokens": 1500, "seconds": 1800.0}  # fmt: skip
    copied = {**run, "setting": "sft-continual"}
    tables = {
        "scores": scores,
        "chains": chains(trajectories(scores, 0.95), 15, 4),
        "training": pd.DataFrame([run, run, {**run, "cycle": 1}, copied]),
    }
    for name, table in tables.items():
        write_parquet(table, tmp_path / f"{name}.parquet")
    (tmp_path / "claims.json").write_text(json.dumps([CLAIM]))
    (tmp_path / "a.png").write_bytes(bytes(range(256)) * 100)
    (tmp_path / "a.txt").write_text("What is drawn.\n")
    paths = {name: tmp_path / f"{name}.parquet" for name in tables}
    return StudyFiles(**paths, figures=(tmp_path / "a.png",), claims=tmp_path / "claims.json")


def page_of(files):
    return summary("micro", files, LOOPS, 0.95)


def test_counts_come_from_the_files(files):
    page = page_of(files)
    table = read_table(files.chains)
    assert page["counts"]["chains"] == str(len(table))
    assert page["counts"]["models"] == str(table["n_cycles"].sum())
    # a training run is counted once, however many steps it logged, and a copied one not at all
    assert page["counts"]["tokens"] == "3,000" and page["counts"]["hours"] == "1.0"
    assert [row["n"] for row in page["settings"]] == [18, 18, 18]
    assert page["settings"][1]["title"] == OWN_TITLE
    assert page["tally"] == "1 not decided here"
    assert [part["numbers"] for part in page["claims"][0]["parts"]] == [
        "0.50 (0.25 to 0.75)", "0.50 (0.10 to 0.90)", "–",
    ]  # fmt: skip


def test_a_study_of_dead_chains_has_a_front_page(files):
    table = read_table(files.chains).assign(last_cycle=float("nan"), amplified=None, n_cycles=0)
    write_parquet(table, files.chains)
    assert page_of(files)["settings"][0]["cycles"] == "–"


def test_blind_ratings_stand_beside_the_verdicts(files, tmp_path):
    agreement = {"criterion": "trait", "n": 400, "spearman": 0.314, "bias": 25.66}
    write_parquet(
        pd.DataFrame([{**agreement, "setting": "all"}, {**agreement, "setting": "sft", "n": 9}]),
        tmp_path / "agreement.parquet",
    )
    change = {
        "setting": "sft", "criterion": "trait", "change": -16.2, "ci_low": -19, "ci_high": -13,
        "corrected": -10.7, "corrected_low": -24.1, "corrected_high": 2.8,
    }  # fmt: skip
    write_parquet(pd.DataFrame([change]), tmp_path / "changes.parquet")
    claims = [
        ("C1", "all tests", "supported"),
        ("C1", "a share", "not decided here"),
        ("C2", "all tests", "not tested here"),
        ("C4", "all tests", "not decided here"),
    ]
    write_parquet(pd.DataFrame(claims, columns=["id", "test", "verdict"]), tmp_path / "c.parquet")
    tables = (tmp_path / "agreement.parquet", tmp_path / "changes.parquet", tmp_path / "c.parquet")
    rated = replace(files, gold=tables)
    text = " ".join(render("index.html.j2", **page_of(rated)).split())
    assert "400 replies were also rated blind" in text
    assert "score. Trait: rank correlation of judge and rater 0.31, judge less rating +26" in text
    assert "average. The verdicts" in text
    assert "Corrected for the judge's error: C1 supported, C4 not decided (table" in text.replace(
        "&#39;", "'"
    )
    assert "<td>-16 (-19 to -13)</td><td>-11 (-24 to 3)</td>" in text
    assert "rated blind" not in render("index.html.j2", **page_of(files))


def test_the_script_writes_the_page(files, tmp_path):
    status = run_script(
        "show_summary", "--study", "micro", "--chains", files.chains, "--training", files.training,
        "--scores", files.scores, "--loops", LOOPS.to_json(), "--confidence", 0.95,
        "--figures", *files.figures, "--claims", files.claims, "--output", tmp_path / "page.rst",
        "--output-page", tmp_path / "index.html",
    )  # fmt: skip
    expected = as_rst(render("summary.html.j2", **page_of(files)))
    assert status == 0 and (tmp_path / "page.rst").read_text(encoding="utf-8") == expected
    html = (tmp_path / "index.html").read_text(encoding="utf-8")
    reader = check_standalone(html)
    assert "alert(1)" in " ".join(reader.text) and 'href="methods.html#a"' in html
    assert 'href="pages/methods.html#a"' in expected


def test_the_answer_comes_first_and_its_fine_print_behind_a_link(files):
    html = render("index.html.j2", **page_of(files))
    order = ["The answer", "1 not decided here", "the authors' runs", "All tests of each claim",
             "Figures that matter", "What was run", "Limits"]  # fmt: skip
    assert [html.index(part) for part in order] == sorted(html.index(part) for part in order)
    assert "written down before" not in html and "methods.html#verdicts" in html


def test_a_claim_shows_the_test_that_decides_and_the_authors_numbers(files):
    decided, shown, untested = CLAIM["parts"]
    supported = {**decided, "what": "first", "verdict": "supported"}
    theirs = {**decided, "published_value": "0.1 (0 to 0.3), n = 8, authors' code"}
    files.claims.write_text(json.dumps([{**CLAIM, "parts": [shown, supported, theirs]}]))
    (claim,) = page_of(files)["claims"]
    assert claim["test"] == "a share: 0.50 (0.25 to 0.75)"
    assert claim["authors"] == ["the same: 0.1 (0 to 0.3), n = 8", "rise: 46 points"]
    files.claims.write_text(json.dumps([{**CLAIM, "parts": [untested]}]))
    (claim,) = page_of(files)["claims"]
    assert claim["test"] == "" and claim["authors"] == ["rise: 46 points"]


def test_a_result_of_a_setting_with_changes_is_named(files):
    of_setting = {"setting": "hot", "changes": "generation.temperature 2"}
    shown = {**CLAIM, "parts": [CLAIM["parts"][0], {**CLAIM["parts"][1], **of_setting}]}
    assert "another (shown only): 0.50" in render("summary.html.j2", **page_of(files))
    files.claims.write_text(json.dumps([shown]))
    html = render("summary.html.j2", **page_of(files))
    assert "a share: 0.50" in html
    assert "another, hot (with generation.temperature 2; decides nothing): 0.50" in html


def test_published_numbers_stand_beside_the_test_of_the_same_quantity(files):
    html = render("summary.html.j2", **page_of(files))
    assert html.count("; published: ") == 1 and "; published: 0.5, abstract" in html
    assert "<div>rise: 46 points</div>" in html and "2 rows" not in html


def test_a_setting_that_a_test_cannot_be_of_is_left_to_the_table(files):
    tested, _, untested = CLAIM["parts"]
    other = {**untested, "what": tested["what"], "setting": "short", "why": "6 cycles"}
    files.claims.write_text(json.dumps([{**CLAIM, "parts": [tested, other, untested]}]))
    html = render("summary.html.j2", **page_of(files))
    assert "6 cycles" not in html and "no such setting" in html


def test_the_report_can_read_it_and_text_stays_text(files):
    rst = as_rst(render("summary.html.j2", **page_of(files)))
    assert max(map(len, rst.splitlines())) < 10_000  # docutils refuses longer lines
    filled = Environment().from_string(rst).render(snakemake="FILLED IN")
    html = publish_parts(filled, writer_name="html")["html_body"]
    assert "&lt;script&gt;alert(1)" in html and "<script>alert(1)" not in html
    assert "{{ snakemake }}" in html and "FILLED IN" not in html
    assert "System Message" not in html and "What is drawn." in html


def test_a_missing_figure_is_named(files):
    files.figures[0].unlink()
    with pytest.raises(UserError, match="a.png: the figure or its caption is missing"):
        page_of(files)


def test_power_stands_below_the_verdict(files, tmp_path):
    shares = {"supported": 0.93, "contradicted": 0.0, "undecided": 0.07, "untested": 0.0}
    rows = [
        {"id": "C1", "test": test, "scenario": "right", **shares, "draws": 100, "warnings": ""}
        for test in ("all tests", "a share")
    ]
    write_parquet(pd.DataFrame(rows), tmp_path / "power.parquet")
    page = page_of(replace(files, power=tmp_path / "power.parquet"))
    html = render("summary.html.j2", **page).replace("\xa0", " ")
    assert html.count("if the paper is right: supported 93 %, not decided 7 %") == 1
    assert 'table "Power"' in html
    assert 'table "Power"' not in render("summary.html.j2", **page_of(files))


def test_a_real_models_verdict_stands_beside(files, tmp_path):
    beside = {**CLAIM, "verdict": "contradicted here"}
    beside["parts"] = [{**CLAIM["parts"][0], "verdict": "contradicted here", "estimate": 0.75}]
    (tmp_path / "real.json").write_text(json.dumps([beside]))
    (tmp_path / "sure.csv").write_text("id,test,verdict\nC1,all tests,not decided here\n")
    real = (tmp_path / "real.json", tmp_path / "sure.csv")
    html = render("summary.html.j2", **page_of(replace(files, real_model=real)))
    assert "a real model" in html
    assert re.search(r"<td><div>contradicted by .*: 0.75", html)
    assert "corrected for the judge's error: not decided</div>" in html.replace("&#39;", "'")
    assert "a real model" not in render("summary.html.j2", **page_of(files))


@pytest.mark.parametrize(
    ("every", "begins"), [(1, "Nothing was scored"), (2, "Not everything was scored"), (20, "")]
)
def test_a_judge_that_scored_nothing_or_little_is_named_first(files, every, begins):
    scores = read_table(files.scores)
    alive = scores.index[~scores["status"].isin(["nan", "ended"])]
    missing = alive[::every]
    scores["trait_missing"], scores["coherence_missing"] = "", ""
    scores.loc[missing, "trait_missing"] = "low numeric mass"
    scores.loc[missing[:2], "trait_missing"] = "<b>content filter</b>"
    dead = scores.index.difference(alive)
    scores.loc[dead, ["trait_missing", "coherence_missing"]] = "no response"
    write_parquet(scores, files.scores)
    html = render("summary.html.j2", **page_of(files))
    if not begins:
        assert "was scored</b>" not in html
        return
    assert html.index("<h1>") < html.index(begins) < html.index("What was run")
    counts = f"{len(missing):,} of {len(alive):,} replies have no\ntrait score"
    assert counts in html and "coherence score" not in html
    assert f"low numeric mass ({len(missing) - 2:,}), &lt;b&gt;content filter" in html


def test_a_study_in_which_nothing_was_scored_has_a_front_page(files):
    scores = read_table(files.scores).assign(
        trait_score=float("nan"), coherence=float("nan"), trait_missing="low numeric mass",
        coherence_missing="low numeric mass",
    )  # fmt: skip
    write_parquet(scores, files.scores)
    write_parquet(chains(trajectories(scores, 0.95), 15, 4), files.chains)
    html = render("summary.html.j2", **page_of(files))
    assert html.count("Nothing was scored") == 2
    write_parquet(scores.assign(coherence_missing=NO_JUDGE), files.scores)  # an audit's choice
    assert render("summary.html.j2", **page_of(files)).count("Nothing was scored") == 1
