"""Pages: standalone, escaped, and honest about what they chose."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make_loops import OWN, OWN_TITLE, make_loops
from make_scores import CYCLES, ENDED_CYCLE, NASTY, QUESTIONS, WHY_ENDED, make_scores
from read_pages import check_standalone, packed, sentences
from run_script import ROOT, run_script

from idempotence.errors import UserError
from idempotence.io import write_parquet, write_text
from idempotence.report.captions import paragraphs
from idempotence.report.methods import methods_page
from idempotence.report.pages import LARGEST, render
from idempotence.report.replies import replies_html, typical
from idempotence.report.tables import rounded, tables_html, tables_page, titled
from idempotence.scores.schema import CHAIN

LOOPS = make_loops()


@pytest.fixture(scope="module")
def scores():
    return make_scores(settings=["sft", "dpo"], samples=3)


def test_the_typical_reply_by_hand():
    replies = pd.DataFrame(
        {
            **{name: "x" for name in CHAIN},
            "cycle": 0,
            "question": [0, 0, 0, 1, 1, 2, 2, 2],
            "sample": [0, 1, 2, 0, 1, 0, 1, 2],
            "trait_score": [50.0, 60.0, 90.0, np.nan, np.nan, 10.0, 30.0, np.nan],
        }
    )
    # question 0: the median; 1: no score, the first sample; 2: two equally near, the first
    chosen = typical(replies)
    assert list(zip(chosen["question"], chosen["sample"], strict=True)) == [(0, 1), (1, 0), (2, 0)]
    pd.testing.assert_frame_equal(typical(replies.sample(frac=1, random_state=3)), chosen)


def test_model_text_is_data_and_the_page_says_how_it_chose(scores):
    html = replies_html(scores.assign(response=NASTY, prompt=NASTY), LOOPS)
    reader = check_standalone(html)
    assert "alert" not in html  # packed; the page's script writes it as text
    data = packed(html)
    texts = {r["text"] for c in data["chains"] for y in c["cycles"] for r in y["replies"]}
    assert texts == {NASTY} and data["prompts"] == [NASTY]
    text = " ".join(" ".join(reader.text).split())
    assert "picked by hand or by its text" in text and "nearest their median" in text


def test_only_the_pages_own_script_may_run(scores):
    html = replies_html(scores, LOOPS)
    inside = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html and "unsafe-eval" not in html


def test_replies_page_has_each_chain_cycle_and_question(scores):
    chains = packed(replies_html(scores, LOOPS))["chains"]
    assert list(dict.fromkeys(c["setting"].split("(")[-1] for c in chains)) == ["sft)", "dpo)"]
    assert len(chains) == 2 * 3 * 2 * 3
    for chain in chains:
        assert [cycle["cycle"] for cycle in chain["cycles"]] == list(range(CYCLES))
        for cycle in chain["cycles"]:
            questions = [reply["question"] for reply in cycle["replies"]]
            assert questions == list(range(QUESTIONS)) or cycle["ended"]
    ended = [c for c in chains if c["cycles"][-1]["ended"]]
    assert [(c["trait"], c["seed"], c["cycles"][-1]["ended"]) for c in ended] == [
        ("lucky", "1", WHY_ENDED)
    ]
    assert chains[0]["dose"] == "seeded to 20, 60 samples per cycle"
    assert chains[0]["rows"] == "44 seed rows"


def test_replies_page_names_given_doses_once_and_truth_only_where_there_is_any(scores):
    own = scores[scores["setting"] == "sft"]
    unknown = {"level": float("nan"), "truth_trait": float("nan"), "truth_coherence": float("nan")}
    with_truth = packed(replies_html(own, LOOPS))["chains"][0]
    without = packed(replies_html(own.assign(**unknown), LOOPS))["chains"][0]
    assert without["dose"].startswith("44 seed rows") and without["rows"] == ""
    names = [list(c["cycles"][0]["replies"][0]["scores"]) for c in (without, with_truth)]
    assert names == [
        ["trait", "coherence"],
        ["trait", "coherence", "true trait", "true coherence"],
    ]


def test_replies_of_a_setting_of_ones_own_stand_beside_the_published_one(scores):
    own = scores[scores["setting"] == "sft"].assign(setting=OWN.name)
    data = packed(replies_html(pd.concat([own, scores]), make_loops(OWN)))
    titles = list(dict.fromkeys(chain["setting"] for chain in data["chains"]))
    assert titles[1] == OWN_TITLE and [t.split("(")[-1] for t in titles] == [
        "sft)",
        f"{OWN.name})",
        "dpo)",
    ]


def test_the_spread_counts_every_reply_of_the_chain_at_the_cycle(scores):
    first = packed(replies_html(scores, LOOPS))["chains"][0]["cycles"][0]
    mine = scores.query("setting == 'sft' and trait == 'bliss' and seed == 0 and cycle == 0")
    known = mine[mine["cell"] == "level20_sampled60"]["trait_score"]
    assert first["n"] == len(known) and first["missing"] == known.isna().sum()
    assert sum(n for _, n in first["counts"]) == known.notna().sum()
    assert first["median"] == round(known.median())
    for reply in first["replies"]:
        assert reply["scores"]["trait"] in {score for score, _ in first["counts"]}


def test_replies_of_dead_chains_only(scores):
    dead = scores.query("setting == 'dpo' and trait == 'lucky' and seed == 1")
    dead = dead[(dead["cell"] == "beta0.03_pairs100") & (dead["cycle"] >= ENDED_CYCLE)]
    cycles = packed(replies_html(dead, LOOPS))["chains"][0]["cycles"]
    assert {cycle["ended"] for cycle in cycles} == {WHY_ENDED}
    assert all(cycle["n"] == 0 and not cycle["replies"] for cycle in cycles)


def test_replies_refuse_what_is_not_there(scores):
    with pytest.raises(UserError, match="no replies"):
        replies_html(scores[:0], LOOPS)


def test_large_pages_have_fewer_questions_shorter_texts_and_fewer_rows(scores, tmp_path):
    """Chromium opens no data address of more than 2 MiB, which a page is in the report."""
    random = np.random.default_rng(0)
    few = scores[(scores["seed"] == 0) & (scores["sample"] == 0) & (scores["cycle"] < 2)]
    long = [base64.b64encode(random.bytes(30_000)).decode() for _ in range(len(few))]
    html = replies_html(few.assign(response=long), LOOPS)
    assert len(html.encode()) <= LARGEST and LARGEST * 4 / 3 < 2 * 1024**2 - 1000
    assert f"The first 3 of {QUESTIONS} questions" in html.replace("\n", " ")
    table = pd.DataFrame({"text": [text[:2000] for text in long * 10]})
    table.to_csv(tmp_path / "long.csv", index=False)
    html = tables_html([("Long", tmp_path / "long.csv")], "Tables")
    assert len(html.encode()) <= LARGEST and "all, with six digits" in html


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
    assert reader.text.count(NASTY) == 1 and html.count("<script") == 1
    assert all(reader.text.count(heading) == 2 for heading in headings)  # in the list, as a title
    assert any(text.startswith("One row for each chain: doses") for text in reader.text)
    assert "What the columns of “Chains” mean" in reader.text and "<em>peak_delta</em>" in html
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
            "show_replies", "--scores", tmp_path / "scores.parquet",
            "--loops", LOOPS.to_json(), "--output", tmp_path / name / "replies.html",
        )  # fmt: skip
        run_script(
            "show_tables", "--tables", f"Slopes={tmp_path / 'slopes.csv'}", "--title", "Slopes",
            "--output", tmp_path / name / "tables.html",
        )  # fmt: skip
        run_script(
            "show_methods", "--figures", "dpo", "tradeoff", "--captions", ROOT / "report",
            "--glossary", ROOT / "docs/glossary.md", "--confidence", 0.95,
            "--output", tmp_path / name / "methods.html",
        )  # fmt: skip
    for page in ("replies.html", "tables.html", "methods.html"):
        html = (tmp_path / "one" / page).read_text(encoding="utf-8")
        check_standalone(html)
        assert html == (tmp_path / "two" / page).read_text(encoding="utf-8")


def test_methods_have_words_and_the_details_of_each_figure(tmp_path):
    page = methods_page(["dpo", "grid"], ROOT / "report", ROOT / "docs/glossary.md", 0.9)
    words = dict(page["words"])
    assert "panel" in words and "word" not in words and "](" not in " ".join(words.values())
    assert [figure["anchor"] for figure in page["figures"]] == ["dpo", "grid"]
    assert "A text without a full stop counts as one sentence." in page["figures"][0]["about"][1]
    reader = check_standalone(render("methods.html.j2", **page))
    assert "90 %" in " ".join(reader.text)
    with pytest.raises(UserError, match="the figure none has no caption"):
        methods_page(["none"], ROOT / "report", ROOT / "docs/glossary.md", 0.9)
    write_text(tmp_path / "empty.md", "# Words\n")
    with pytest.raises(UserError, match="no table of words"):
        methods_page([], ROOT / "report", tmp_path / "empty.md", 0.9)


def test_captions_have_three_sentences_at_most_and_details_apart():
    for file in sorted((ROOT / "report").glob("*.rst")):
        first, *others = paragraphs(file)
        assert 1 <= sentences(first) <= 3, file.name
        assert "{{" not in "".join(others), file.name  # the methods show them as they are
