"""Pages: standalone, escaped, and honest about what they chose."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_loops import OWN, OWN_TITLE, make_loops
from make_scores import CYCLES, ENDED_CYCLE, NASTY, WHY_ENDED, make_scores
from read_pages import check_standalone, choosing
from run_script import ROOT, run_script

from idempotence.errors import UserError
from idempotence.io import write_parquet, write_text
from idempotence.report.pages import render
from idempotence.report.replies import nearest_median, replies_page
from idempotence.report.tables import rounded, tables_page, titled

LOOPS = make_loops()


@pytest.fixture(scope="module")
def scores():
    return make_scores(settings=["sft", "dpo"], samples=3)


def test_replies_nearest_the_median_by_hand():
    replies = pd.DataFrame(
        {
            "question": [0, 0, 1, 1, 2, 2],
            "seed": 0,
            "sample": [0, 1, 0, 1, 0, 1],
            "trait_score": [50.0, 50.0, 90.0, 10.0, 60.0, np.nan],
        }
    )
    # median 50; question 0 twice at distance 0, then 2 at 10, then 1 at 40 (sample 0 first)
    chosen = nearest_median(replies, 3)
    assert list(zip(chosen["question"], chosen["sample"], strict=True)) == [(0, 0), (2, 0), (1, 0)]
    assert len(nearest_median(replies, 99)) == 5
    shuffled = replies.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(nearest_median(shuffled, 3), chosen)


def test_replies_page_escapes_model_text_and_says_how_it_chose(scores):
    html = choosing(replies_page(scores.assign(response=NASTY), 2, LOOPS))
    reader = check_standalone(html, scripts=1)
    assert html.count("<script") == 1 and "&lt;script&gt;" in html
    assert reader.text.count(NASTY) == len([t for t, _ in reader.elements if t == "article"])
    text = " ".join(" ".join(reader.text).split())
    assert "not picked by hand" in text and "nearest the median" in text


def test_only_the_pages_own_script_may_run(scores):
    html = choosing(replies_page(scores, 1, LOOPS))
    inside = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    check_standalone(render("replies.html.j2", **replies_page(scores, 1, LOOPS)))


def test_replies_page_shows_each_setting_trait_cell_and_cycle(scores):
    chains = replies_page(scores, 2, LOOPS)["chains"]
    assert list(dict.fromkeys(c["setting"].split("(")[-1] for c in chains)) == ["sft)", "dpo)"]
    assert len(chains) == 2 * 3 * 2
    for chain in chains:
        assert [group["cycle"] for group in chain["cycles"]] == list(range(CYCLES))
        assert all(group["replies"] or group["ended"] for group in chain["cycles"])
    lucky = next(c for c in chains if "dpo" in c["setting"] and c["trait"] == "lucky")["cycles"]
    assert lucky[6]["ended"] == [{"seed": 1, "reason": WHY_ENDED}] and not lucky[0]["ended"]
    assert chains[0]["cell"] == "seeded to 20, 60 samples per cycle (44 seed rows)"


def test_replies_of_a_setting_of_ones_own_stand_beside_the_published_one(scores):
    own = scores[scores["setting"] == "sft"].assign(setting=OWN.name)
    chains = replies_page(pd.concat([own, scores]), 1, make_loops(OWN))["chains"]
    titles = list(dict.fromkeys(chain["setting"] for chain in chains))
    assert titles[1] == OWN_TITLE and [t.split("(")[-1] for t in titles] == [
        "sft)",
        f"{OWN.name})",
        "dpo)",
    ]


def test_chosen_scores_are_typical(scores):
    for chain in replies_page(scores[scores["setting"] == "sft"], 3, LOOPS)["chains"]:
        group = chain["cycles"][0]
        for reply in group["replies"]:
            assert abs(float(dict(reply["scores"])["trait"]) - float(group["median"])) <= 2


def test_replies_of_dead_chains_only(scores):
    dead = scores.query("setting == 'dpo' and trait == 'lucky' and seed == 1")
    dead = dead[(dead["cell"] == "beta0.03_pairs100") & (dead["cycle"] >= ENDED_CYCLE)]
    html = choosing(replies_page(dead, 2, LOOPS))
    check_standalone(html, scripts=1)
    assert "No reply with a score" in html and WHY_ENDED in html


def test_replies_refuse_what_is_not_there(scores):
    with pytest.raises(UserError, match="no replies"):
        replies_page(scores[:0], 1, LOOPS)
    with pytest.raises(UserError, match="at least 1"):
        replies_page(scores, 0, LOOPS)


@pytest.mark.parametrize(
    ("text", "column", "shown"),
    [
        ("", "se", "–"),
        ("True", "amplified", "yes"),
        ("nan", "status", "nan"),
        ("12", "n", "12"),
        ("-3", "cycle", "-3"),
        ("12.3456", "trait_score", "12.35"),
        ("-0.0123456", "slope", "-0.012"),
        ("1e-19", "p", "< 0.001"),
        ("0.04567", "p", "0.046"),
        ("60.0", "level", "60"),
        ("level20_sampled60", "cell", "level20_sampled60"),
    ],
)
def test_rounding(text, column, shown):
    assert rounded(text, column) == shown


def test_tables_page(tmp_path):
    write_text(tmp_path / "chains.csv", "setting,score_0,amplified\nsft,12.3456,\ndpo,3,True\n")
    write_text(tmp_path / "my_own.csv", f'note,n\n"{NASTY}",1\n')
    write_text(tmp_path / "none.csv", "a,b\n")
    write_text(tmp_path / "other/chains.csv", "a\n1\n")  # one name twice: own anchors
    headings = {"Chains": "chains", "My <own>": "my_own", "none": "none", "Again": "other/chains"}
    tables = [(heading, tmp_path / f"{name}.csv") for heading, name in headings.items()]
    html = render("tables.html.j2", **tables_page(tables, "Tables of <a> study", ROOT / "report"))
    reader = check_standalone(html)
    assert reader.text.count(NASTY) == 1 and "<script" not in html
    assert all(reader.text.count(heading) == 2 for heading in headings)  # in the list, as a title
    assert any(text.startswith("One row for each chain: doses") for text in reader.text)
    assert "12.35" in reader.text and "yes" in reader.text and "–" in reader.text
    assert sum(attrs.get("class") == "scroll" for _, attrs in reader.elements) == 4
    assert ("td", {"class": "number"}) in reader.elements


def test_tables_refuse_broken_files(tmp_path):
    with pytest.raises(UserError, match="no such table"):
        tables_page([("T", tmp_path / "absent.csv")], "t")
    write_text(tmp_path / "empty.csv", "")
    with pytest.raises(UserError, match="no header"):
        tables_page([("T", tmp_path / "empty.csv")], "t")
    write_text(tmp_path / "uneven.csv", "a,b\n1,2\n3\n")
    with pytest.raises(UserError, match="row 3"):
        tables_page([("T", tmp_path / "uneven.csv")], "t")


def test_table_named_on_the_command_line():
    assert titled("All chains=a/b=c.csv") == ("All chains", Path("a/b=c.csv"))
    for text in ("chains.csv", "=chains.csv", "Chains="):
        with pytest.raises(UserError, match="HEADING=PATH"):
            titled(text)


def test_scripts_write_the_same_pages_twice(scores, tmp_path):
    write_parquet(scores, tmp_path / "scores.parquet")
    write_text(tmp_path / "slopes.csv", "setting,p\nsft,0.00001\n")
    for name in ("one", "two"):
        run_script(
            "show_replies", "--scores", tmp_path / "scores.parquet", "--replies", 2,
            "--loops", LOOPS.to_json(), "--output", tmp_path / name / "replies.html",
        )  # fmt: skip
        run_script(
            "show_tables", "--tables", f"Slopes={tmp_path / 'slopes.csv'}", "--title", "Slopes",
            "--output", tmp_path / name / "tables.html",
        )  # fmt: skip
    for page, scripts in (("replies.html", 1), ("tables.html", 0)):
        html = (tmp_path / "one" / page).read_text(encoding="utf-8")
        check_standalone(html, scripts)
        assert html == (tmp_path / "two" / page).read_text(encoding="utf-8")
