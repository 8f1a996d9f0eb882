"""What is sampled from a panel: in which batches, with which seeds, and what dead chains leave."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from idempotence.doses import INITIAL, Cell
from idempotence.engine.adapter_files import HASHES, TRAINING
from idempotence.engine.base import Engine, NotFiniteError, Sampled
from idempotence.engine.formatting import prompt_ids
from idempotence.io import read_jsonl, write_sealed
from idempotence.jobs.loop import InitialRowsJob, SampleJob
from idempotence.jobs.parts import Evaluation, Generation, ModelName, Panel, PromptPool
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.tokenizer import build_tokenizer
from idempotence.sampling.panel import (
    PanelSampler,
    adapter_folders,
    write_initial_rows,
    write_samples,
)
from idempotence.sampling.replies import note_of_cuts
from idempotence.texts.panel_texts import panel_texts

CELLS = (Cell("few", beta=0.1, pairs=2), Cell("many", beta=0.1, pairs=5))
PANEL = Panel(3, "dpo", ModelName("m", None, "float32"), "bliss", 1, CELLS)
POOL = PromptPool(questions=3, seed_rows=4, per_cycle=5)
EVALUATION = Evaluation(samples_per_question=2, temperature=0.7, max_new_tokens=9)
GENERATION = Generation(temperature=0.8, max_new_tokens=11, min_characters=4)
N_ANSWERS = POOL.questions * EVALUATION.samples_per_question


class Recorder(Engine):
    """Answers with the adapter and the seed of a request, and keeps all batches of each call.

    broken: names of adapters whose logits are not finite. texts: seed -> text, where it is another.
    """

    ends = frozenset({10})

    def __init__(self, broken=(), texts=None):
        self.tokenizer = build_tokenizer(load_grammar())
        self.broken, self.texts, self.calls = broken, texts or {}, []

    def draw_batches(self, batches):
        self.calls.append(batches)
        return [
            NotFiniteError("not finite")
            if batch.adapter and batch.adapter.name in self.broken
            else [
                Sampled(text, tuple(range(len(text))), -float(r.seed % 7), cut=r.seed % 3 > 0)
                for r in batch.requests
                for text in [self.texts.get(r.seed, _text(batch.adapter, r.seed))]
            ]
            for batch in batches
        ]

    def next_token_logprobs(self, prompts, top):
        raise AssertionError("nothing is judged here")

    def log_likelihoods(self, prompts, completions):
        return [-float(len(completion)) for completion in completions]


def _text(adapter: Path | None, seed: int) -> str:
    return f"{adapter.parent.name}/{adapter.name} {seed}" if adapter else f"initial {seed}"


@pytest.fixture
def adapters(tmp_path):
    """make(cycle, cell -> status): a folder per cell with its training.json."""

    def make(cycle: str = "now", **statuses: str) -> Path:
        for cell in CELLS:
            (tmp_path / cycle / cell.name).mkdir(parents=True)
            result = {"status": statuses.get(cell.name, "ok"), "reason": "no samples"}
            write_sealed(tmp_path / cycle / cell.name / TRAINING, {**result, HASHES: {}})
        return tmp_path / cycle

    return make


def sampler(engine: Engine, panel: Panel = PANEL, cycle: int = 1) -> PanelSampler:
    return PanelSampler(panel, POOL, cycle, engine)


def of(rows: list[dict], cell: str, key: str) -> list:
    return [row[key] for row in rows if row["cell"] == cell]


def test_answers_and_data_of_all_cells_are_one_call_and_rejected_replies_another(adapters):
    engine, folder = Recorder(), adapters()
    answers, generated = sampler(engine).replies(folder, EVALUATION, GENERATION)
    cells, rejected = engine.calls
    assert [batch.adapter for batch in cells] == adapter_folders(CELLS, folder)
    assert [len(batch.requests) for batch in cells] == [N_ANSWERS + 2, N_ANSWERS + 5]
    assert [(batch.adapter, len(batch.requests)) for batch in rejected] == [(None, 5)]
    for batch in cells:
        answering, writing = batch.requests[:N_ANSWERS], batch.requests[N_ANSWERS:]
        assert {(r.temperature, r.max_new_tokens) for r in answering} == {(0.7, 9)}
        assert {(r.temperature, r.max_new_tokens) for r in writing} == {(0.8, 11)}
    requests = [request for batch in (*cells, *rejected) for request in batch.requests]
    assert len({request.seed for request in requests}) == len(requests)
    texts = panel_texts(PANEL, POOL)
    questions = [q for q in texts.evaluation() for _ in range(EVALUATION.samples_per_question)]
    assert of(answers, "few", "prompt") == of(answers, "many", "prompt") == questions
    assert of(generated, "many", "prompt") == texts.for_cycle(2)
    assert of(generated, "few", "prompt") == texts.for_cycle(2)[:2]
    ids = [prompt_ids(engine.tokenizer, q, "chat") for q in [*questions, *texts.for_cycle(2)]]
    assert [request.prompt for request in cells[1].requests] == ids
    # every cell trains away from the same replies of the initial model
    assert of(generated, "few", "rejected") == of(generated, "many", "rejected")[:2]


def test_a_cells_texts_do_not_depend_on_the_other_cells_or_on_whether_a_cycle_follows(adapters):
    folder = adapters()
    whole = sampler(Recorder()).replies(folder, EVALUATION, GENERATION)
    alone = sampler(Recorder(), replace(PANEL, cells=CELLS[1:])).replies(
        folder, EVALUATION, GENERATION
    )
    for rows, own in zip(whole, alone, strict=True):
        assert [row for row in rows if row["cell"] == "many"] == own
    engine = Recorder()
    assert sampler(engine).answers(folder, EVALUATION) == whole[0]
    assert len(engine.calls) == 1, "nothing is trained away from where no cycle follows"


def test_seeds_differ_by_cycle_trait_and_study_alone(adapters):
    folder = adapters()

    def seeds(panel: Panel = PANEL, cycle: int = 1) -> list[int]:
        engine = Recorder()
        sampler(engine, panel, cycle).answers(folder, EVALUATION)
        return [request.seed for batch in engine.calls[0] for request in batch.requests]

    first = seeds()
    same = replace(PANEL, model=ModelName("m", "another commit", "bfloat16"))
    assert seeds(same) == first
    for other in (
        replace(PANEL, study_seed=4),
        replace(PANEL, trait="lucky"),
        replace(PANEL, seed=2),
        replace(PANEL, model=ModelName("n", None, "float32")),
    ):
        assert not {*seeds(other)} & {*first}  # fmt: skip
    assert not {*seeds(cycle=2)} & {*first}


def test_a_dead_chain_is_not_sampled_and_its_rows_say_why(adapters):
    engine, folder = Recorder(broken=["many"]), adapters(few="ended")
    answers, generated = sampler(engine).replies(folder, EVALUATION, GENERATION)
    assert [batch.adapter for batch in engine.calls[0]] == [folder / "many"]
    for rows in (answers, generated):
        assert {(row["response"], row["status"], row["reason"]) for row in rows} == {
            ("", "ended", "no samples"),
            ("", "nan", "not finite"),
        }
        assert {row["status"] for row in rows if row["cell"] == "few"} == {"ended"}
    assert {row["loglik_initial"] for row in answers} == {None}
    assert {row["loglik_own"] for row in answers} == {None}
    assert (len(of(generated, "few", "index")), len(of(generated, "many", "index"))) == (2, 5)


def test_rejected_replies_can_be_those_of_the_cycle_before(adapters):
    engine = Recorder()
    now, before = adapters(), adapters("before", few="nan")
    _, generated = sampler(engine).replies(now, EVALUATION, GENERATION, before)
    assert [batch.adapter for batch in engine.calls[1]] == [before / "many"]
    assert all(text.startswith("before/many ") for text in of(generated, "many", "rejected"))
    assert of(generated, "few", "rejected") == ["", ""]
    assert all(text.startswith("now/few ") for text in of(generated, "few", "response"))


def test_empty_and_short_texts_are_marked(adapters):
    folder, first = adapters(), Recorder()
    sampler(first).replies(folder, EVALUATION, GENERATION)
    requests = first.calls[0][0].requests
    texts = dict(zip([r.seed for r in requests[-2:]], [" \n", "so"], strict=True))
    texts |= dict(zip([r.seed for r in requests[:2]], [" ", "so"], strict=True))
    answers, generated = sampler(Recorder(texts=texts)).replies(folder, EVALUATION, GENERATION)
    assert of(generated, "few", "status") == ["empty", "short"]
    assert "fewer than 4 characters" in of(generated, "few", "reason")
    assert of(answers, "few", "status") == ["empty", *["ok"] * (N_ANSWERS - 1)]
    for name in ("loglik_own", "loglik_initial"):
        likelihoods = of(answers, "few", name)
        assert likelihoods[0] is None and all(map(math.isfinite, likelihoods[1:]))


def test_an_answer_has_the_likelihoods_of_the_tokens_that_were_drawn(adapters):
    engine = Recorder()
    answers, _ = sampler(engine).replies(adapters(), EVALUATION, GENERATION)
    requests = engine.calls[0][0].requests[:N_ANSWERS]
    assert of(answers, "few", "loglik_own") == [-float(r.seed % 7) for r in requests]
    lengths = [len(text) for text in of(answers, "few", "response")]
    assert of(answers, "few", "loglik_initial") == [-float(n) for n in lengths]


@pytest.mark.parametrize("objective", ["sft", "sdf"])
def test_other_objectives_have_no_rejected_replies(adapters, objective):
    cells = tuple(replace(cell, beta=None, pairs=None, n_sampled=cell.pairs) for cell in CELLS)
    engine = Recorder()
    panel = replace(PANEL, objective=objective, cells=cells)
    _, generated = sampler(engine, panel).replies(adapters(), EVALUATION, GENERATION)
    assert len(engine.calls) == 1 and not any("rejected" in row for row in generated)
    rows = sampler(engine, panel, 0).seed_data(GENERATION)
    assert len(engine.calls) == 1 and [*map(set, rows)] == [{"prompt", "response"}] * 4


def test_seed_rows_of_dpo_have_the_initial_models_replies():
    engine = Recorder()
    rows = sampler(engine, replace(PANEL, cells=()), 0).seed_data(GENERATION)
    ((batch,),) = engine.calls
    assert batch.adapter is None
    assert [row["rejected"] for row in rows] == [f"initial {r.seed}" for r in batch.requests]
    assert [{**row, "rejected": None} for row in rows] == [
        {**row, "rejected": None} for row in panel_texts(PANEL, POOL).seed_rows()
    ]


def test_generated_data_have_no_rows_where_no_cycle_follows(adapters, tmp_path):
    folder, job = adapters(), SampleJob(PANEL, 1, POOL, EVALUATION, GENERATION)
    files = [tmp_path / name for name in ("r.jsonl", "g.jsonl", "last_r.jsonl", "last_g.jsonl")]
    write_samples(job, Recorder(), folder, None, *files[:2])
    write_samples(replace(job, generation=None), Recorder(), folder, None, *files[2:])
    assert files[0].read_bytes() == files[2].read_bytes()
    assert len(read_jsonl(files[1])) == 7 and read_jsonl(files[3]) == []


def test_the_initial_model_answers_without_an_adapter(tmp_path):
    engine = Recorder()
    panel = replace(PANEL, objective="sft", seed=-1, cells=(INITIAL,))
    job = SampleJob(panel, 0, PromptPool(3, 0, 0), EVALUATION, None)
    write_samples(job, engine, None, None, tmp_path / "r.jsonl", None)
    ((batch,),) = engine.calls
    assert batch.adapter is None and len(batch.requests) == N_ANSWERS
    assert {row["cell"] for row in read_jsonl(tmp_path / "r.jsonl")} == {"initial"}
    assert [path.name for path in tmp_path.iterdir()] == ["r.jsonl"]


def test_a_second_scoring_asks_the_same_with_other_random_numbers(adapters):
    folder, engines = adapters(), [Recorder(), Recorder()]
    for scoring, engine in enumerate(engines, start=1):
        asked = PanelSampler(PANEL, POOL, 1, engine, scoring).answers(folder, EVALUATION)
        assert len(asked) == N_ANSWERS * len(CELLS)
    first, second = (engine.calls[0][0].requests for engine in engines)
    assert [r.prompt for r in first] == [r.prompt for r in second]
    assert not {r.seed for r in first} & {r.seed for r in second}


def test_the_initial_model_writes_to_the_first_prompts_of_the_next_cycle(adapters, tmp_path):
    engine, plain = Recorder(), Recorder()
    panel = replace(PANEL, cells=())
    job = InitialRowsJob(panel, 1, POOL, GENERATION, rows=3)
    write_initial_rows(job, engine, tmp_path / "rows.jsonl")
    ((batch,),) = engine.calls
    assert batch.adapter is None
    assert {(r.temperature, r.max_new_tokens) for r in batch.requests} == {(0.8, 11)}
    rows = read_jsonl(tmp_path / "rows.jsonl")
    assert [row["prompt"] for row in rows] == panel_texts(PANEL, POOL).for_cycle(2)[:3]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert [row["response"] for row in rows] == [f"initial {r.seed}" for r in batch.requests]
    assert {row["status"] for row in rows} == {"ok"} and "rejected" not in rows[0]
    # other random numbers than those of the replies that dpo trains away from
    sampler(plain).replies(adapters(), EVALUATION, GENERATION)
    others = {r.seed for call in plain.calls for batch in call for r in batch.requests}
    assert not others & {r.seed for r in batch.requests}
    # the first replies do not depend on how many there are
    write_initial_rows(replace(job, rows=1), Recorder(), tmp_path / "one.jsonl")
    assert read_jsonl(tmp_path / "one.jsonl") == rows[:1]


def test_empty_and_short_rows_of_the_initial_model_are_marked():
    first = Recorder()
    sampler(first).initial_rows(GENERATION, 2)
    texts = dict(zip([r.seed for r in first.calls[0][0].requests], [" ", "so"], strict=True))
    rows = sampler(Recorder(texts=texts)).initial_rows(GENERATION, 2)
    assert [row["status"] for row in rows] == ["empty", "short"] and all(r["reason"] for r in rows)


def test_texts_that_were_cut_are_counted_in_the_log(adapters, capsys):
    engine = Recorder()
    sampler(engine).answers(adapters(), EVALUATION)
    number = sum(request.seed % 3 > 0 for request in engine.calls[0][0].requests)
    line = f"few: {number} of {N_ANSWERS} texts stopped at max_new_tokens"
    assert line in capsys.readouterr().out


def test_a_few_cut_texts_are_not_worth_a_line():
    ended, cut = (Sampled("", (1,), -1.0, cut) for cut in (False, True))
    assert note_of_cuts("c", [ended, cut]).startswith("c: 1 of 2 texts")
    assert note_of_cuts("c", [cut, *[ended] * 9]) is None


def test_rows_say_which_texts_were_cut_only_where_those_are_left_open(adapters):
    left_open = replace(GENERATION, cut_replies="open")
    ways = [
        PanelSampler(PANEL, POOL, 1, engine := Recorder()).replies(folder, EVALUATION, how)[1]
        for how, folder in ((GENERATION, adapters("a")), (left_open, adapters("b")))
    ]
    cells, rejected = engine.calls
    drawn = [request for batch in cells for request in batch.requests[N_ANSWERS:]]
    assert [row["open"] for row in ways[1]] == [request.seed % 3 > 0 for request in drawn]
    others = [request.seed % 3 > 0 for request in rejected[0].requests]
    assert [row["rejected_open"] for row in ways[1] if row["cell"] == "many"] == others
    assert all(keys.isdisjoint({"open", "rejected_open"}) for keys in map(set, ways[0]))
    first = PanelSampler(PANEL, POOL, 0, Recorder())
    assert all("rejected_open" in row and "open" not in row for row in first.seed_data(left_open))
    assert {"open"} <= set(first.initial_rows(left_open, 1)[0])
