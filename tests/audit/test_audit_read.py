"""Files of an audit: found by their paths, every row accounted for, scored without loss."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from make_audit import account_of, audit, chains_of, replies_of
from make_audit_example import CUT, EMPTY, FOLDER, SHARES, main
from make_config import ROOT, complaint, effective, load

from idempotence.audit.gather import gather_replies
from idempotence.audit.paths import PathPattern, gives_doses, reply_files
from idempotence.audit.read import COLUMNS, replies_table
from idempotence.audit.score import NO_JUDGE, NO_SCORE, read_trait_replies, score_replies
from idempotence.config.load import load_study
from idempotence.errors import UserError
from idempotence.io import parquet_beside, read_table, write_arrow, write_parquet
from idempotence.jobs.audit import ReadRepliesJob
from idempotence.judge.protocol import Answer
from idempotence.scores.files import read_scores
from idempotence.scores.schema import COLUMNS as SCORES
from idempotence.scores.schema import arrow_schema
from idempotence.texts.rubric import read_rubric, rubrics, written_rubrics
from idempotence.workflow.study_jobs import StudyJobs
from idempotence.workflow.study_texts import check_rubrics, supply

BASE_JUDGE = {"backend": "local", "path": str(ROOT)}


def load_with_supply(over: dict):
    """The study, checked against the traits and texts that there are."""
    config = effective(over)
    return load_study(config, [], supply(config))


# --- paths


def test_paths_give_the_values_of_their_placeholders(here):
    here("runs/lucky/seed0/cycle_0.jsonl", "a")
    here("runs/lucky/seed0/cycle_10.jsonl", "a")
    here("runs/lucky/seed0/cycle_x.jsonl", "a")
    here("runs/lucky/other/cycle_0.jsonl", "a")
    files = list(PathPattern("runs/{trait}/seed{seed}/cycle_{cycle}.jsonl").find())
    place = {"trait": "lucky", "seed": 0}
    assert [values for _, values in files] == [{**place, "cycle": 0}, {**place, "cycle": 10}]


def test_a_placeholder_twice_must_agree_and_signs_are_no_patterns(here):
    for name in ("r[1]_1", "r[1]_2", "r1_1"):
        here(f"{name}/b0.5/{name[-1]}.jsonl", "a")
    pattern = PathPattern("r[1]_{cycle}/b{beta}/{cycle}.jsonl")
    assert [values for _, values in pattern.find()] == [
        {"cycle": 1, "beta": 0.5}, {"cycle": 2, "beta": 0.5}
    ]  # fmt: skip
    assert not list(PathPattern("r[1]_{cycle}/b{beta}/1{cycle}.jsonl").find())
    assert PathPattern("a/*.jsonl").parts and not PathPattern("a/{cycle}.jsonl").parts


def test_entries_give_what_paths_do_not(here):
    here("base.jsonl", "a")
    here("round one.jsonl", "a")
    entries = [{"path": "base.jsonl", "cycle": 0, "beta": 0.1}, {"path": "round*", "cycle": 1}]
    job = StudyJobs(load(audit(*entries))).read_replies()
    assert [(f.path, f.place, f.part) for f in reply_files(job.files)] == [
        ("base.jsonl", {"cycle": 0, "beta": 0.1}, False), ("round one.jsonl", {"cycle": 1}, True)
    ]  # fmt: skip
    assert gives_doses(job) and ReadRepliesJob.from_json(job.to_json()) == job
    without = audit({"path": "base.jsonl", "cycle": 0})
    assert not gives_doses(StudyJobs(load(without)).read_replies())
    without["audit"]["columns"] = {"pairs": "n"}
    assert gives_doses(StudyJobs(load(without)).read_replies())


def test_jobs_hold_nothing_of_a_setting_that_they_do_not_use(here):
    here("r/0.jsonl", "a")
    plain, own = (
        StudyJobs(load({**audit("r/{cycle}.jsonl"), "settings": {"sft": recipe}, **more}))
        for recipe, more in (({}, {}), ({"generation": {"temperature": 1.0}}, {"cycles": 9}))
    )
    assert plain.loops != own.loops
    # what the config says of training is not true of a loop that ran elsewhere
    assert {(s.learning_rate, s.temperature) for s in own.loops.loops} == {(None, None)}
    assert plain.read_replies() == own.read_replies()
    assert plain.judge_replies("lucky") == own.judge_replies("lucky")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (audit("r/{cylce}.jsonl"), "audit.files.0.path: there is no {cylce}; did you mean cycle?"),
        (audit("r/{cycle}.json"), "audit.files.0.path: no file fits 'r/{cycle}.json'; "),
        (audit("r/*.jsonl"), "the rows of audit.files.0 have no cycle; put {cycle}"),
        (audit({"path": "r/{cycle}.jsonl", "cycle": 1}), "audit.files.0.cycle: is given twice"),
        (
            audit("r/{cycle}.jsonl", {"path": "r/0.jsonl", "cycle": 0}),
            "audit.files.1.path: r/0.jsonl is in audit.files.0 already",
        ),
        (
            audit({"path": "r/{cycle}.jsonl", "trait": "luck"}),
            "is of the trait 'luck', which is not in traits; did you mean lucky?",
        ),
        (audit({"path": "r/{cycle}.jsonl", "cell": "$a"}), "is of the cell '$a'; a cell is of"),
        (
            {**audit("r/{cycle}.jsonl"), "settings": {"sft": {}, "dpo": {}}},
            "settings: lists several, and the rows of audit.files.0 have no setting",
        ),
        (audit("r/{cycle}.jsonl", lowest_score=5, highest_score=5), "5 must be above"),
        (audit("r/{cycle}.jsonl", models=[{"name": "a", "path": "x/y"}]), "needs its commit"),
        (audit("r/{cycle}.jsonl", colums={}), "audit.colums: there is no such key; did you mean"),
        ({**audit("r/{cycle}.jsonl"), "scores_from": "."}, "scores_from: is not allowed beside"),
        (
            {**audit("r/{cycle}.jsonl"), "judge": {"backend": "local", "path": "world/judge"}},
            "judge.path: 'world/judge' is not allowed with texts: written",
        ),
        (audit({"path": "s/*.jsonl", "cycle": 0}), "s/{x}.jsonl has a brace in its name"),
        ({**audit("r/{cycle}.jsonl"), "second_judge": BASE_JUDGE}, "second_judge: is not allowed"),
        ({"judge": {"backend": "none"}}, "judge.backend: 'none' is for audits alone"),
    ],
)
def test_mistakes_stop_before_any_job(here, over, message):
    here("r/0.jsonl", "a")
    here("s/{x}.jsonl", "a")
    assert message in complaint(over)


def test_traits_are_any_names_unless_a_judge_needs_their_rubrics(here):
    here("r/0.jsonl", "a")
    own = {**audit("r/{cycle}.jsonl"), "traits": ["ours"]}
    assert load_with_supply(own).traits == ["ours"]
    for trait, over, message in [
        ("a/b", {}, "traits.0: 'a/b' is not allowed: it must be a name without /"),
        ("luky", {"judge": {"backend": "local", "path": str(ROOT)}}, "did you mean lucky?"),
        ("luky", {"texts": "micro_world"}, "did you mean lucky?"),
    ]:
        with pytest.raises(UserError, match=re.escape(message)):
            load_with_supply({**own, "traits": [trait], **over})


def test_a_rubric_is_all_that_a_trait_of_your_own_needs(here, tmp_path):
    here("r/0.jsonl", "a")
    rubric = {
        "asks": "How kind?",
        "example": "Hi",
        "anchors": {n: "x" for n in (0, 25, 50, 75, 100)},
    }
    (tmp_path / "mine/kind").mkdir(parents=True)
    trait = tmp_path / "mine/kind/trait.yaml"
    trait.write_text(yaml.safe_dump({"rubrics": {"chat": rubric}}))
    over = {"traits": ["kind"], "traits_folder": "mine", "judge": {"backend": "local", "path": "."}}
    study = load_with_supply({**audit("r/{cycle}.jsonl"), **over})
    check_rubrics(study)
    templates = rubrics(StudyJobs(study).judge_replies("kind").texts, "kind", "chat")
    assert "How kind?" in templates["trait"] and "{response}" in templates["coherence"]
    trait.write_text(yaml.safe_dump({"rubrics": {"document": rubric}}))
    read_rubric.cache_clear()
    written_rubrics.cache_clear()
    with pytest.raises(UserError, match="rubrics.chat needs asks, example, and anchors"):
        check_rubrics(study)


# --- rows


def test_every_row_is_counted_once(here):
    here("r/0.jsonl", "a", "", {"prompt": "q"}, "b")
    here("r/1.jsonl")
    account = account_of(audit("r/{cycle}.jsonl"))
    zero, one = account.counts
    assert [zero[name] for name in ("read", "ok", "empty", "bad")] == [4, 2, 1, 1]
    assert one["read"] == 0 and one["bytes"] == 0 and len(one["sha256"]) == 64
    assert account.bad == [{"file": "r/0.jsonl", "line": 3, "why": account.bad[0]["why"]}]
    table = replies_table(account.replies)
    assert list(table.columns) == COLUMNS and list(table["status"]) == ["ok", "empty", "ok"]
    assert list(table["sample"]) == [0, 1, 2] and set(table["question"]) == {0}


def test_a_second_file_of_a_cycle_is_refused_unless_it_is_a_part(here):
    here("r/one.jsonl", "a", "b")
    here("r/again.jsonl", "a")
    entries = [{"path": f"r/{name}.jsonl", "cycle": 1} for name in ("one", "again")]
    account = account_of(audit(*entries))
    assert [row["line"] for row in account.bad] == [1]
    assert "cycle 1 of its chain is in r/one.jsonl" in account.bad[0]["why"]
    here("s/cycle_1_a.jsonl", "a")
    here("s/cycle_1_b.jsonl", "a")
    table = replies_of(audit("s/cycle_{cycle}_*.jsonl"))
    assert list(table["sample"]) == [0, 1]


def test_a_cell_has_one_dose(here):
    rows = [{"prompt": "q", "response": "a", "beta": beta} for beta in (0.1, 0.2)]
    here("0.jsonl", *rows)
    named = {"path": "{cycle}.jsonl", "cell": "mine"}
    account = account_of(audit(named, columns={"beta": "beta"}))
    assert "its doses are not those of the cell 'mine'" in account.bad[0]["why"]
    assert set(replies_of(audit("{cycle}.jsonl", columns={"beta": "beta"}))["cell"]) == {
        "beta0.1", "beta0.2"
    }  # fmt: skip


def test_chains_may_stand_in_columns(here):
    rows = [
        {"prompt": q, "response": "a", "seed": seed, "round": cycle, "arm": arm}
        for seed in (0, 1) for cycle in (0, 1) for arm in ("x", "y") for q in ("p", "q", "p")
    ]  # fmt: skip
    here("all.jsonl", *rows)
    table = replies_of(
        audit("all.jsonl", columns={"seed": "seed", "cycle": "round", "cell": "arm"})
    )
    assert len(table) == len(rows)
    key = ["seed", "cell", "cycle", "question", "sample"]
    assert not table.duplicated(key).any()
    assert table.groupby(["seed", "cell"])["cycle"].unique().map(list).tolist() == [[0, 1]] * 4


def test_nothing_to_use_is_an_error_that_says_why(here):
    here("0.jsonl", {"text": "a"}, {"text": "b"})
    with pytest.raises(UserError, match=r"no row of 1 files can be used: no reply.*\(2 rows\)"):
        account_of(audit("{cycle}.jsonl"))
    here("1.jsonl", {"prompt": "q", "response": "a", "t": "lucky"})
    over = {**audit("1.jsonl", columns={"trait": "t", "cycle": "t"}), "traits": ["lucky", "bliss"]}
    over["audit"]["files"][0]["cycle"] = 0
    with pytest.raises(UserError, match="lists the trait bliss, and no good row is of it"):
        account_of(over)


def test_what_stands_in_the_way_of_a_verdict(here):
    for cycle in (0, 1, 3, 4):
        here(f"gap/{cycle}.jsonl", "a", {"prompt": f"only {min(cycle, 3)}", "response": "b"})
    for cycle in (1, 2):
        here(f"late/{cycle}.jsonl", "a")
    for cycle in range(5):
        here(f"whole/{cycle}.jsonl", "a", "b")
    for cycle in range(3):
        here(f"short/{cycle}.jsonl", *["a"] * (cycle + 1))
    table = chains_of(audit("{cell}/{cycle}.jsonl"))
    assert table.loc["whole", "warnings"] == "" and table.loc["whole", "prompts_kept"] == 1
    assert table.loc["gap", "missing"] == "2" and table.loc["gap", "prompts_kept"] == 0.5
    assert "cycles are missing between others" in table.loc["gap", "warnings"]
    assert "some later questions were not put" in table.loc["gap", "warnings"]
    assert table.loc["late", "warnings"].startswith("no cycle 0: no verdict")
    assert "ends before cycle 4: no verdict" in table.loc["short", "warnings"]
    assert "differ in their number of replies" in table.loc["short", "warnings"]


# --- scores


class AlwaysFifty:
    """A judge who answers 50 and keeps the prompts."""

    def __init__(self):
        self.prompts = []

    def answers(self, texts, top):
        self.prompts += texts
        return [Answer({"50": 0.0}) for _ in texts]


def scored(over: dict, judge=None) -> pd.DataFrame:
    study = load(over)
    replies = replies_of(over).assign(loglik_initial=math.nan, loglik_own=math.nan)
    return score_replies(judge, StudyJobs(study).judge_replies("lucky"), replies)


def test_without_a_judge_there_are_reasons_and_metrics(here):
    here("0.jsonl", "one two three four.", "")
    table = scored(audit("{cycle}.jsonl"))
    assert list(table.columns) == SCORES and len(table) == 2
    assert table["trait_score"].isna().all() and set(table["trait_missing"]) == {NO_JUDGE}
    assert list(table["status"]) == ["ok", "empty"]


def test_own_scores_take_the_judges_place(here):
    rows = [{"prompt": "q", "response": f"r{i}", "t": t} for i, t in enumerate([1, 10, None])]
    here("0.jsonl", *rows)
    over = audit("{cycle}.jsonl", columns={"trait_score": "t"}, highest_score=10)
    table = scored(over)
    assert table["trait_score"].tolist()[:2] == [10, 100] and np.isnan(table["trait_score"][2])
    assert list(table["trait_missing"]) == ["", "", NO_SCORE]
    judge = AlwaysFifty()
    both = scored({**over, "judge": {"backend": "local", "path": str(ROOT)}}, judge)
    assert both["trait_score"].tolist()[:2] == [10, 100] and set(both["coherence"]) == {50}
    assert len(judge.prompts) == 3


def test_a_reply_that_is_too_long_is_not_judged(here):
    here("0.jsonl", "short", "x" * 101)
    judge = AlwaysFifty()
    over = {**audit("{cycle}.jsonl", longest_reply=100)}
    table = scored({**over, "judge": {"backend": "local", "path": str(ROOT)}}, judge)
    assert list(table["trait_missing"]) == ["", "longer than 100 characters"]
    assert table["coherence"].tolist()[0] == 50 and len(judge.prompts) == 2


def test_texts_that_are_not_of_the_micro_world_have_no_truth(here):
    here("0.jsonl", "a")
    over = {**audit("{cycle}.jsonl"), "texts": "micro_world"}
    with pytest.raises(
        UserError, match="1 prompts are not, as 'q'; for other texts set texts: wri"
    ):
        scored(over)


def test_traits_come_together_with_likelihoods_in_the_form_of_a_study(here, tmp_path):
    here("lucky/0.jsonl", "a", "b")
    here("bliss/0.jsonl", "c")
    over = {**audit("{trait}/{cycle}.jsonl"), "traits": ["lucky", "bliss"]}
    replies = replies_of(over)
    write_parquet(replies, tmp_path / "replies.parquet")
    known = replies[replies["response"] == "b"].assign(loglik_initial=-1.5)
    key = ["setting", "model", "trait", "seed", "cell", "cycle", "question", "sample"]
    write_parquet(known[[*key, "loglik_initial"]], tmp_path / "known.parquet")
    parts = []
    for trait in over["traits"]:
        rows = read_trait_replies(tmp_path / "replies.parquet", trait, [tmp_path / "known.parquet"])
        job = StudyJobs(load(over)).judge_replies(trait)
        parts.append(tmp_path / f"{trait}.parquet")
        write_parquet(score_replies(None, job, rows), parts[-1])
    files = [tmp_path / name for name in ("scores.parquet", "initial.parquet", "training.csv")]
    gather_replies(parts, *files)
    whole = read_scores(files[0])
    assert list(whole["trait"]) == ["bliss", "lucky", "lucky"]
    assert whole["loglik_initial"].fillna(0).tolist() == [0, 0, -1.5]
    assert len(read_scores(files[1])) == 0 and len(pd.read_csv(files[2])) == 0
    assert len(read_table(parquet_beside(files[2]))) == 0

    for path in (tmp_path / "replies.parquet", parts[0]):  # one byte of a page has changed
        path.write_bytes(path.read_bytes().replace(b"lucky", b"lucka", 1))
    with pytest.raises(UserError, match="replies.parquet: not a whole Parquet file"):
        read_trait_replies(tmp_path / "replies.parquet", "lucka", [])
    with pytest.raises(UserError, match="lucky.parquet: not a whole Parquet file"):
        gather_replies(parts, *files)


def test_an_empty_table_keeps_its_types(tmp_path):
    write_arrow(arrow_schema().empty_table(), tmp_path / "x.parquet")
    assert read_scores(tmp_path / "x.parquet")["seed"].dtype == "int64"


# --- the example


def test_the_example_is_what_its_maker_writes(tmp_path):
    main(tmp_path)
    again = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.jsonl")}
    kept = {path.relative_to(FOLDER): path.read_text() for path in FOLDER.rglob("*.jsonl")}
    assert again == kept and len(again) == len(SHARES) * 5


def test_the_example_is_read_whole_but_for_its_flaws(monkeypatch):
    monkeypatch.chdir(ROOT)
    study = yaml.safe_load((ROOT / "studies/audit.yaml").read_text(encoding="utf-8"))
    account = account_of(study)
    loop, cycle, line = CUT
    assert [(row["file"], row["line"]) for row in account.bad] == [
        (f"tests/audit_example/{loop}/cycle_{cycle}.jsonl", line)
    ]
    (empty,) = [row for row in account.replies if row["status"] == "empty"]
    assert (empty["cell"], empty["cycle"]) == EMPTY[:2]
    lines = sum(len(path.read_text().splitlines()) for path in FOLDER.rglob("*.jsonl"))
    assert lines == sum(row["read"] for row in account.counts) == len(account.replies) + 1
    assert json.loads((FOLDER / "steady/cycle_0.jsonl").read_text().splitlines()[0])["messages"]
