"""What people see of an audit: figures without doses or scores, its front page, its replies."""

import numpy as np
import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Environment
from make_loops import make_loop, make_loops
from make_scores import NASTY, WORDS, make_scores
from read_pages import check_standalone, packed

from idempotence.audit.chains import Rule, chains_table
from idempotence.audit.read import BAD, COUNTS, Account
from idempotence.errors import UserError
from idempotence.figures import dose_map, grid, metrics
from idempotence.figures.style import NO_DOSES, save_figure
from idempotence.io import write_csv, write_json, write_parquet
from idempotence.report.audit import audited
from idempotence.report.pages import render
from idempotence.report.provenance import describe_files
from idempotence.report.replies import LONGEST, replies_html
from idempotence.report.summary import StudyFiles, as_rst, summary
from idempotence.report.tables import tables_page
from idempotence.scores.schema import CHAIN, DOSES
from idempotence.stats.amplification import chains
from idempotence.stats.slopes import slopes
from idempotence.stats.trajectories import TEXT_METRICS, trajectories


@pytest.fixture(scope="module")
def scores():
    """An audit's scores: no doses, no truth."""
    whole = make_scores(settings=["sft"], traits=["lucky"], seeds=2, samples=1)
    empty = dict.fromkeys([*DOSES, "truth_trait", "truth_coherence"], np.nan)
    return whole.assign(**empty)


@pytest.fixture(scope="module")
def courses(scores):
    return trajectories(scores, 0.95)


# --- figures and tables


def test_cells_without_doses_have_no_grid_and_no_map(courses, tmp_path):
    initial = courses.iloc[:0]
    for figure, drawn, text in (
        grid.draw(courses, initial, make_loop("sft")),
        dose_map.draw(chains(courses, 15, 4), make_loop("sft")),
    ):
        assert NO_DOSES in text
        assert figure.texts[0].get_text() == NO_DOSES
        save_figure(figure, drawn, text, tmp_path / "figure")


def test_metrics_show_what_is_known(scores, courses, tmp_path):
    figure, drawn, text = metrics.draw(courses, make_loop("sft"))
    assert set(drawn["measure"]) == set(TEXT_METRICS) and len(figure.axes) == len(TEXT_METRICS)
    words = drawn[(drawn["measure"] == "words") & (drawn["cycle"] == 0)]
    assert words["mean"].to_numpy() == pytest.approx(WORDS) and set(words["n_chains"]) == {2}
    save_figure(figure, drawn, text, tmp_path / "figure")
    unweighed = trajectories(scores.assign(loglik_initial=np.nan, trait_score=np.nan), 0.95)
    assert "loglik_initial" not in set(metrics.draw(unweighed, make_loop("sft"))[1]["measure"])
    with pytest.raises(UserError, match="no setting 'dpo'"):
        metrics.draw(courses, make_loop("dpo"))


def test_a_figure_of_metrics_without_any_says_so_and_one_reply_is_drawn(scores, tmp_path):
    ended = scores.assign(status="ended", response="", loglik_initial=np.nan)
    figure, drawn, text = metrics.draw(trajectories(ended, 0.95), make_loop("sft"))
    assert drawn.empty and "no chain" in figure.texts[0].get_text().lower()
    save_figure(figure, drawn, text, tmp_path / "ended")
    single = trajectories(scores[scores["question"] == 1], 0.95)
    figure, drawn, text = metrics.draw(single, make_loop("sft"))
    assert "near_duplicates" not in set(drawn["measure"]) and "together (up to 1)" in text
    save_figure(figure, drawn, text, tmp_path / "single")


def test_slopes_of_other_measures(courses):
    table = slopes(courses, 0.95, TEXT_METRICS)
    assert list(table["measure"].unique()) == TEXT_METRICS
    fell = table[(table["measure"] == "loglik_initial") & (table["trait"] == "all")]
    assert fell["estimate"].tolist() == pytest.approx([-0.05])


def test_a_table_of_very_many_rows_is_cut_on_the_page(tmp_path):
    write_csv(pd.DataFrame({"n": range(5)}), tmp_path / "many.csv")
    page = tables_page([("Many", tmp_path / "many.csv")], "t", most=3)
    assert len(page["tables"][0]["rows"]) == 3
    assert "3 rows of 5, rounded" in render("tables.html.j2", **page)


# --- replies


def test_replies_without_scores_are_shown_and_long_ones_cut(scores):
    unscored = scores.assign(trait_score=np.nan, response=f"{NASTY}{'x' * LONGEST}")
    html = replies_html(unscored, make_loops())
    check_standalone(html)
    first = packed(html)["chains"][0]["cycles"][0]
    assert len(first["replies"]) == unscored["question"].nunique()
    assert first["replies"][0]["scores"]["trait"] is None and first["counts"] == []
    assert first["n"] == first["missing"] > 0
    assert first["replies"][0]["text"].endswith(f"({len(NASTY)} letters more)")


# --- the front page


@pytest.fixture
def page_of(scores, courses, tmp_path):
    """The front page of an audit as the report takes it; bad: its bad rows."""

    def page(bad=(), scored=True) -> str:
        courses_read = chains_table(scores[scores["cycle"] != 2], Rule(4, 1), Account())
        rows = [
            dict.fromkeys(COUNTS, 4) | {"file": "a", "note": ""},
            dict.fromkeys(COUNTS, 0) | {"file": "b", "note": "no row"},
        ]
        frames = {
            "chains": chains(courses, 15, 4), "training": pd.DataFrame(columns=["tokens", "seconds",
            "setting", "model", "trait", "seed", "cell", "cycle"]),
            "rows": pd.DataFrame(rows), "bad": pd.DataFrame(bad, columns=BAD),
            "chains_read": courses_read,
        }  # fmt: skip
        files = {name: tmp_path / f"{name}.parquet" for name in frames}
        for name, frame in frames.items():
            write_parquet(frame, files[name])
        part = {"what": "w", "estimate": 1.0, "ci_low": None, "ci_high": None, "why": "",
                "rests_on": "ci", "decides": True, "published_value": ""}  # fmt: skip
        claims = [
            {"id": name, "claim": "c", "published": {"says": "s", "where": "w", "numbers": []},
             "verdict": verdict, "parts": [{**part, "verdict": verdict}]}
            for name, verdict in [("C1", "not decided here"), ("C2", "not tested here")]
        ]  # fmt: skip
        write_json(tmp_path / "claims.json", claims)
        write_parquet(scores, tmp_path / "scores.parquet")
        study = StudyFiles(
            files["chains"],
            files["training"],
            tmp_path / "scores.parquet",
            claims=tmp_path / "claims.json" if scored else None,
            audit=tuple(files[name] for name in ("rows", "bad", "chains_read")),
        )
        content = summary("theirs", study, make_loops(), 0.95)
        rst = as_rst(render("summary.html.j2", **content))
        return publish_parts(Environment().from_string(rst).render(), writer="html")["html_body"]

    return page


def test_the_front_page_says_what_was_read_and_what_not(page_of):
    bad = [
        {"file": f"{NASTY} {{% endraw %}} {{{{ x }}}}", "line": i, "why": NASTY} for i in range(25)
    ]
    html = page_of(bad)
    assert "4 rows of 2 files: 4 good, 4 with an empty reply (kept), 4 bad" in html
    assert "<b>File</b> b: no row." in html and ">25</td>" in html  # of one kind
    assert html.count("&lt;script&gt;") == 2 and "<script>" not in html
    assert "&#123;% endraw %}" in html and "{{ x }}" in html
    assert "cycles are missing between others" in html
    assert html.count('<td><span class="verdict">') == 4  # a chain each
    assert "<b>C1</b>" in html and "<b>C2</b>" not in html  # what was not tested is only counted
    assert "1 not tested here" in html and "System Message" not in html


def test_without_scores_there_are_no_verdicts_and_no_claims(page_of):
    html = page_of(scored=False)
    assert "The trait was not scored" in html
    assert "Verdicts" not in html and "claims here" not in html and "why it is bad" not in html


def test_very_many_chains_are_a_page_that_docutils_takes(courses, tmp_path):
    names = [f"chain-{'x' * 60}-{i}" for i in range(260)]
    one = chains(courses, 15, 4).head(1)
    read = pd.DataFrame(
        [{**one.iloc[0][CHAIN], "cell": name, "replies": 0, "warnings": "w"} for name in names]
    )
    for name, frame in (("rows", pd.DataFrame([], columns=COUNTS)), ("read", read),
                        ("bad", pd.DataFrame([], columns=BAD))):  # fmt: skip
        write_parquet(frame, tmp_path / f"{name}.parquet")
    paths = [tmp_path / f"{name}.parquet" for name in ("rows", "bad", "read")]
    whole = pd.concat([one.assign(cell=name) for name in names])
    page = audited(*paths, whole)
    (note,) = page["warnings"]
    assert note["chains"].count(";") == 8 and note["chains"].endswith("and 252 more")
    assert len(page["chains"]) == 60 and page["more_chains"] == 200


def test_long_lines_are_broken_and_what_docutils_refuses_stops_the_job():
    html = "<p>" + " ".join(["word"] * 5000) + " \x00\x0b\x85 a\u2028b</p>"
    text = as_rst(html)
    assert max(map(len, text.splitlines())) < 10_000 and "a\ufffdb" in text
    assert (
        "System Message"
        not in publish_parts(Environment().from_string(text).render(), writer="html")["html_body"]
    )
    with pytest.raises(UserError, match="cannot take its front page: .*[Ll]ine"):
        as_rst("x" * 20_000)


def test_run_json_gets_the_hashes_of_the_files(tmp_path):
    write_parquet(pd.DataFrame([{"file": "a, b", "sha256": "00e1"}]), tmp_path / "rows.parquet")
    assert describe_files(tmp_path / "rows.parquet") == {"files": {"a, b": "00e1"}}
