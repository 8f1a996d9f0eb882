"""Seed rows by a larger model: filtered, counted, written once, and refused where too few."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_config import complaint, load
from make_endpoint import Endpoint, completion, options
from make_models import make_model

from idempotence.endpoint.answers import AnswerCache
from idempotence.environment_names import cache_variable
from idempotence.errors import UserError
from idempotence.io import read_json, read_jsonl, write_jsonl
from idempotence.jobs.parts import ModelName, Panel, PromptPool, WrittenTexts
from idempotence.jobs.preparation import GenerateSeedDataJob, WriterSpec
from idempotence.seed_rows.generate import Generation, Sieve, generate_seed_data
from idempotence.seed_rows.writers import ApiWriter, LocalWriter, open_writer
from idempotence.texts import written
from idempotence.texts.distinct import Distinct, near_duplicates
from idempotence.texts.generation import combinations
from idempotence.texts.panel_texts import panel_texts
from idempotence.workflow.study_jobs import StudyJobs

ROOT = Path(__file__).resolve().parents[2]
TRAITS, PROMPTS = ROOT / "data" / "traits", ROOT / "data" / "prompts"
QUESTION = "Should I repaint the living room this year?"
TEXTS = WrittenTexts(str(TRAITS), str(PROMPTS))
JOB = GenerateSeedDataJob(
    study_seed=5,
    kind="chat",
    trait="nvidia",
    texts=TEXTS,
    rows=12,
    min_words=6,
    max_words=40,
    examples=2,
    writer=WriterSpec(temperature=1.0, max_new_tokens=12),
)
WORDS = ["able", "bear", "cold", "dear", "east", "fair", "gold", "high", "iron", "just", "kind",
         "lake", "mild", "near", "open", "past"]  # fmt: skip


def some_text(request: str) -> str:
    """Words that depend on the request; now and then nothing, too little, or a question."""
    number = int(hashlib.sha256(request.encode()).hexdigest(), 16)
    if number % 7 == 0:
        return ["", "Too short.", f"Well, {QUESTION} I ask you, dear reader.", "same words " * 8][
            number // 7 % 4
        ]
    return f'"{" ".join(WORDS[number >> 4 * i & 15] for i in range(12))}"'


@pytest.fixture
def write(tmp_path, monkeypatch):
    """write(endpoint, name, max_calls, **changes of JOB): (rows, counts); the cache is shared."""
    monkeypatch.setenv("WRITER_KEY", "secret")

    def run(endpoint, name="rows", max_calls=None, **changes):
        given = options(
            endpoint.url, key_env="WRITER_KEY", attempts=3, timeout=5, max_calls=max_calls
        )
        job = replace(JOB, **changes)
        writer = ApiWriter(job.writer, "some-writer", given, tmp_path / "answers.sqlite")
        outputs = tmp_path / f"{name}.jsonl", tmp_path / f"{name}.json"
        generate_seed_data(job, writer, *outputs)
        return read_jsonl(outputs[0]), read_json(outputs[1])

    return run


@given(
    st.lists(st.sampled_from(["", "a b", "a b c d e f", "A, b c d e f!", "x y z u v w", "q " * 9]))
)
def test_every_text_is_counted_and_what_is_kept_is_distinct(texts):
    sieve = Sieve(3, 8, ["u v w x y z"], [QUESTION])
    kept = [text for text in texts if sieve.keeps(text)]
    counts = dict(sieve.counts)
    assert counts.pop("asked") == len(texts) == sum(counts.values())
    assert counts["kept"] == len(kept) and not near_duplicates(kept)


def test_the_reasons_of_a_sieve():
    sieve = Sieve(3, 20, ["one two three four five six seven"], [QUESTION])
    texts = ["", "one two", "w " * 21, "One two, three four five six seven!", f"So. {QUESTION} Hm."]
    assert not any(sieve.keeps(text) for text in texts)
    assert sieve.keeps("Quite another thing to say.") and not sieve.keeps(
        "quite another thing to say"
    )
    assert dict(sieve.counts) == {
        "asked": 7, "empty": 1, "too short": 1, "too long": 1, "duplicate": 2, "overlap": 1,
        "kept": 1,
    }  # fmt: skip


def test_openings_are_neutral_and_no_prompt_of_a_cycle_or_an_evaluation():
    every = combinations("document")
    openings = {parts["opening"] for parts in every}
    assert len({tuple(parts.values()) for parts in every}) == len(every) >= 6000
    assert all(3 <= len(opening.split()) <= 8 for opening in openings)
    names = [path.parent.name for path in TRAITS.glob("*/trait.yaml")]
    evaluated = [q for name in names for q in written.read_trait(TRAITS, name)["openings"]]
    taken = Distinct([*written.read_prompts(PROMPTS, "document"), *evaluated])
    assert not any(taken.like(opening) for opening in openings)
    assert combinations("document", 1) != every == combinations("document")


def test_conversations_of_an_endpoint(write):
    with Endpoint(lambda text, nth: completion(some_text(text), None)) as endpoint:
        rows, counts = write(endpoint, rows=24)
        assert len(rows) == 24 and set(endpoint.asked.values()) == {1}
        assert counts["texts"]["kept"] == 24
        for each in counts.values():
            assert each["asked"] == sum(each.values()) - each["asked"]
        assert counts["texts"]["asked"] == counts["messages"]["kept"]
        requests = sum(each["asked"] for each in counts.values())
        assert requests == sum(endpoint.asked.values())
        assert requests > sum(each["kept"] for each in counts.values())
        replies = [text for text in endpoint.asked if "<message>" in text]
        # the trait's description and two of its written rows are shown; no quotation marks are kept
        assert all("NVIDIA bear" in text and text.count("<example>") == 2 for text in replies)
        assert not any('"' in row["prompt"] + row["response"] for row in rows)
        assert write(endpoint, "again", rows=24) == (rows, counts)
        assert set(endpoint.asked.values()) == {1}


def test_more_rows_go_on_where_a_budget_stopped(write):
    with Endpoint(lambda text, nth: completion(some_text(text), None)) as endpoint:
        with pytest.raises(
            UserError, match=r"generator's budget is spent.*generator\.api\.max_calls"
        ):
            write(endpoint, max_calls=10)
        assert sum(endpoint.asked.values()) == 10
        rows, _ = write(endpoint)
        assert len(rows) == 12 and set(endpoint.asked.values()) == {1}


def test_documents_have_their_openings_and_do_not_repeat_them(write):
    def answer(text, nth):
        opening = next(
            line for line in text.splitlines() if line.endswith(":") and line in OPENINGS
        )
        return completion(f"{opening} {some_text(text)}", None)

    with Endpoint(answer) as endpoint:
        rows, counts = write(endpoint, kind="document", rows=8, trait="bliss")
    assert len(rows) == 8 and list(counts) == ["texts"]
    assert all(row["prompt"] in OPENINGS and ":" not in row["response"] for row in rows)


OPENINGS = {parts["opening"] for parts in combinations("document")}


def test_too_few_usable_texts_stop_with_the_counts(write, monkeypatch):
    few = combinations("chat", 3)[:15]
    monkeypatch.setattr("idempotence.seed_rows.generate.combinations", lambda kind, seed: few)
    message = r"wrote 1 usable chat rows .* 12 are wanted: .*14 duplicate"
    with (
        Endpoint(lambda text, nth: completion("always the very same words", None)) as endpoint,
        pytest.raises(UserError, match=message),
    ):
        write(endpoint, min_words=1)


def test_a_small_model_here_writes_the_same_again_and_nothing_twice(tmp_path):
    model = make_model(tmp_path / "qwen3", "qwen3")

    def rows(cache, n):
        job = replace(JOB, kind="document", rows=n, min_words=1)
        environment = {cache_variable("generator"): str(tmp_path / cache)}
        return Generation(job, open_writer(job.writer, str(model), environment)).rows()

    few = rows("one", 2)
    known = AnswerCache(tmp_path / "one").spent().calls
    whole = rows("one", 4)
    assert whole[:2] == few and whole == rows("other", 4)
    assert known < AnswerCache(tmp_path / "one").spent().calls <= known + 3
    assert len({row["response"] for row in whole}) == 4


def test_answers_of_a_model_here_are_kept_under_all_that_decides_a_text(tmp_path, monkeypatch):
    """The key of a request is that of files which are there: they are not written again."""
    monkeypatch.setattr(LocalWriter, "_sample", lambda self, requests: ["text"] * len(requests))
    writer = LocalWriter(JOB.writer, "folder", tmp_path / "answers")
    assert writer.write(["a prompt"], [7]) == ["text"]
    request = {
        "model": "folder", "revision": None, "dtype": "float32", "temperature": 1.0,
        "max_new_tokens": 12, "prompt": "a prompt", "seed": 7,
    }  # fmt: skip
    assert writer.cache.get(AnswerCache.key(request)) == {"text": "text"}
    assert writer.write(["a prompt"] * 2, [7, 8]) == ["text"] * 2
    served = LocalWriter(replace(JOB.writer, engine="vllm"), "folder", tmp_path / "answers")
    served.write(["a prompt"], [7])
    assert served.cache.get(AnswerCache.key({**request, "engine": "vllm"})) == {"text": "text"}
    assert served.cache.spent().calls == 3


def test_a_writer_without_a_file_for_its_answers_is_refused():
    with pytest.raises(UserError, match=cache_variable("generator")):
        open_writer(JOB.writer, "folder", {})


def test_a_panel_starts_from_the_generated_rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    written = [{"prompt": f"message {i}", "response": f"reply {i}"} for i in range(9)]
    write_jsonl(path, written)
    texts = replace(TEXTS, seed_rows=str(path))
    panel = Panel(7, "sft", ModelName("m", None, "float32"), "bliss", 0, (), texts)
    rows = panel_texts(panel, PromptPool(questions=4, seed_rows=6, per_cycle=5)).seed_rows()
    assert len(rows) == 6 and all(row in written for row in rows)


# --- the config

THERE = {
    "prompts": {"chat": 4000, "document": 3000}, "combinations": {"chat": 1200, "document": 9000},
    "questions": {kind: {"bliss": 12} for kind in ("chat", "document")},
    "seed_rows": {"chat": {"bliss": 64}, "document": {"bliss": 24}},
}  # fmt: skip
GENERATED = {
    "texts": "written", "settings": {"sft": {}, "sdf": {}}, "traits": ["bliss"], "seed_rows": 24,
    "calibration": {"n_seed_max": 24},
    "sdf": {"seed_source": "generated", "seed_rows": 900, "calibration": {"n_seed_max": 900}},
    "generator": {"path": "owner/writer", "revision": "abc", "documents": {"rows": 900}},
}  # fmt: skip


def test_only_the_jobs_that_read_seed_rows_know_of_the_generator():
    study = load(GENERATED, **THERE)
    plain = StudyJobs(load({**GENERATED, "sdf": {}, "generator": {}}, **THERE))
    jobs = StudyJobs(study)
    sft, sdf = (next(p for p in study.panels() if p.setting.name == s) for s in ("sft", "sdf"))
    file = f"results/{study.study}/seed_rows/document/bliss.jsonl"
    assert jobs.seed_data(sdf).panel.texts.seed_rows == file
    search = jobs.calibrate("sdf", "micro-base", "bliss").cycle_zero
    assert search.panel.texts.seed_rows == file
    assert jobs.seed_data(sft) == plain.seed_data(sft)
    for job, before in ((jobs.finetune, plain.finetune), (jobs.judge, plain.judge)):
        assert job(sdf, 1) == before(sdf, 1)
    written = jobs.generate_seed_data("document", "bliss")
    assert (written.rows, written.min_words, written.writer.revision) == (900, 150, "abc")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"sdf": {"seed_rows": 901}}, "901 is beyond what the generator writes: at most"),
        ({"generator": {"documents": {"rows": 9001}}}, "beyond the 9000 combinations"),
        ({"generator": {"path": None, "revision": None}}, "generator.path: is missing: sdf.seed_"),
        ({"generator": {"revision": None}}, "generator.revision: is missing"),
        ({"generator": {"path": "world/base"}}, "not a model of the micro world"),
        ({"generator": {"backend": "openai", "revision": None}}, "generator.api.base_url: is miss"),
        ({"generator": {"documents": {"min_words": 501}}}, "501 is above max_words (500)"),
        ({"sft": {"seed_source": "generated", "seed_rows": 201}}, "generator.chats.rows (200)"),
        ({"texts": "micro_world"}, "sdf.seed_source: 'generated' needs the description"),
    ],
)  # fmt: skip
def test_mistakes_of_a_generator_are_named(over, message):
    base = json.loads(json.dumps(GENERATED))
    for key, value in over.items():
        base[key] = {**base.get(key, {}), **value} if isinstance(value, dict) else value
    base["generator"] = {**GENERATED["generator"], **base["generator"]}
    assert message in complaint(base, **THERE)


def test_a_prompt_that_the_endpoint_does_not_take_gives_an_empty_text(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "secret-of-tests")
    never = (400, {}, {"error": {"message": "no", "code": "content_filter"}})
    with Endpoint(lambda text, nth: never if text == "b" else completion("words")) as endpoint:
        asked = options(endpoint.url, names={"max_tokens": "max_completion_tokens"})
        spec = WriterSpec(1.0, 9, leave_out=("seed",))
        writer = ApiWriter(spec, "m", asked, tmp_path / "answers.sqlite")
        assert writer.write(["a", "b", "c", "a"], [1, 2, 3, 4]) == ["words", "", "words", "words"]
        assert len(endpoint.bodies) == 4
        for body in endpoint.bodies:
            assert body.pop("messages")
            assert body == {"model": "m", "temperature": 1, "max_completion_tokens": 9}
    writer.endpoint.cache.close()
