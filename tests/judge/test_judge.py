"""The judge's protocol, the rubrics, and the table of scores."""

import math
import sys
from types import SimpleNamespace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idempotence.engine.base import added_up
from idempotence.errors import UserError
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.local import LocalJudge
from idempotence.judge.protocol import Answer, rate, rate_tokens
from idempotence.judge.rater import Rater
from idempotence.texts.rubric import ask, load_rubrics


def logs(**weights: float) -> dict[str, float]:
    return {token.replace("_", " "): math.log(weight) for token, weight in weights.items()}


def test_the_published_example():
    top = {"75": math.log(0.4), "80": math.log(0.3), "70": math.log(0.2)}
    rating = rate_tokens(top, 0.25)
    assert rating.score == pytest.approx(75.5555, abs=1e-3)
    assert rating.mass == pytest.approx(0.9)


def test_spaces_and_words_and_numbers_over_100():
    top = {" 50": math.log(0.3), "50": math.log(0.2), "the": math.log(0.3), "150": math.log(0.1)}
    assert rate_tokens(top, 0.25).score == pytest.approx(50)
    assert rate_tokens(top, 0.25).mass == pytest.approx(0.5)


def test_too_little_numeric_mass_and_refusals_give_no_score():
    low = rate_tokens({"hello": math.log(0.8), "10": math.log(0.2)}, 0.25)
    assert math.isnan(low.score) and low.missing == "low numeric mass"
    refused = rate_tokens({"REF": math.log(0.6), "90": math.log(0.4)}, 0.25)
    assert math.isnan(refused.score) and refused.missing == "refusal"
    assert rate_tokens({}, 0.25).missing == "low numeric mass"


@given(st.dictionaries(st.integers(0, 100).map(str), st.floats(-8, 0), min_size=1))
def test_a_score_lies_between_its_numbers(top):
    rating = rate_tokens(top, 0.0)
    numbers = [int(token) for token in top]
    assert min(numbers) - 1e-9 <= rating.score <= max(numbers) + 1e-9


def test_braces_in_model_text_stay_what_they_are():
    text = ask("{prompt} = {response} = rate {trait}", "a {trait}", "{response} {x}", "bliss")
    assert text == "a {trait} = {response} {x} = rate bliss"


def test_a_rubric_without_a_placeholder_is_refused(tmp_path):
    path = tmp_path / "rubrics.yaml"
    path.write_text('trait: "{prompt} {response}"\ncoherence: "{prompt} {response}"\n')
    with pytest.raises(UserError, match="must hold {trait}"):
        load_rubrics(path)


class CharacterTokenizer:
    """A token is a character, or one of the words, behind a prompt of the token 0 alone."""

    name_or_path = chat_template = "any"
    added_tokens_decoder: ClassVar = {}

    def __init__(self, *words: str):
        characters = {chr(i): i for i in range(1, 128)}
        self.vocabulary = characters | {word: 200 + i for i, word in enumerate(words)}
        self.texts = {i: text for text, i in self.vocabulary.items()}

    def get_vocab(self):
        return self.vocabulary

    def encode(self, text, add_special_tokens):
        return [self.vocabulary[text]] if text in self.vocabulary else [*map(ord, text)]

    def decode(self, ids):
        return "".join(self.texts[i] for i in ids)

    def get_chat_template(self):
        return self.chat_template

    def apply_chat_template(self, chats, **how):
        return ["" for _ in chats]

    def __call__(self, texts, add_special_tokens):
        return {"input_ids": [[0] for _ in texts]}


class TableEngine:
    """An engine whose next tokens are those that a table has for what was written."""

    def __init__(self, table: dict[str, dict[str, float]], *words: str):
        self.table, self.tokenizer = table, CharacterTokenizer(*words)

    def branch_logprobs(self, prompts, branches, top):
        return None

    def next_token_logprobs(self, prompts, top):
        written = [self.tokenizer.decode(ids[1:]) for ids in prompts]
        return [{t: math.log(p) for t, p in self.table[w].items()} for w in written]


def shares(answer: Answer) -> dict[str, float]:
    return {token: math.exp(value) for token, value in answer.top.items()}


DIGITS = {
    "": {"7": 0.5, "1": 0.4, "no": 0.1},
    "7": {"5": 0.6, "0": 0.2, "<end>": 0.2},
    "1": {"0": 0.5, "<end>": 0.5},
    "10": {"0": 0.8, "<end>": 0.2},
}


def test_any_model_can_judge_in_english(tmp_path):
    """A tiny Qwen3 that was trained on two answers gives them through the protocol."""
    import torch
    from make_models import ROOT, make_model

    from idempotence.engine.formatting import prompt_ids
    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.texts.rubric import written_rubrics

    engine = TransformersEngine(Weights(str(make_model(tmp_path, "qwen3"))))
    templates = written_rubrics(ROOT / "data" / "traits", "bliss", "chat")
    texts = [ask(templates[name], "How are you?", "All is light.", "bliss") for name in templates]
    untaught = [rate(answer, 0.25) for answer in LocalJudge(engine).answers(texts, 20)]
    assert {rating.missing for rating in untaught} == {"low numeric mass"}
    encode = engine.tokenizer.encode
    rows = [
        prompt_ids(engine.tokenizer, text, "chat")
        + encode(f"{number}<|im_end|>", add_special_tokens=False)
        for text, number in zip(texts, (75, 100), strict=True)
    ]
    optimiser = torch.optim.AdamW(engine.model.parameters(), lr=1e-2)
    for _ in range(80):
        for row in rows:
            labels = [-100] * (len(row) - 4) + row[-4:]
            engine.model(torch.tensor([row]), labels=torch.tensor([labels])).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    ratings = [rate(answer, 0.25) for answer in LocalJudge(engine).answers(texts, 20)]
    assert [rating.score for rating in ratings] == pytest.approx([75, 100], abs=5)
    assert all(rating.mass > 0.9 for rating in ratings)


def test_numbers_written_digit_by_digit_are_read_whole():
    answer = LocalJudge(TableEngine(DIGITS)).answers(["rate this"], 20)[0]
    expected = {"no": 0.1, "7": 0.1, "75": 0.3, "70": 0.1, "1": 0.2, "10": 0.04, "100": 0.16}
    assert shares(answer) == pytest.approx(expected)
    mean = (7 * 0.1 + 75 * 0.3 + 70 * 0.1 + 1 * 0.2 + 10 * 0.04 + 100 * 0.16) / 0.9
    assert rate(answer, 0.25).score == pytest.approx(mean)


def test_digits_are_read_whole_from_branches_too():
    class BranchEngine(TableEngine):
        def branch_logprobs(self, prompts, branches, top):
            behind = [[*ids, *branch] for ids in prompts for branch in ((), *branches)]
            known = [
                self.table.get(self.tokenizer.decode(ids[1:]), {"<end>": 1.0}) for ids in behind
            ]
            read = [{t: math.log(p) for t, p in each.items()} for each in known]
            return [read[i : i + 12] for i in range(0, len(read), 12)]

    apart = LocalJudge(TableEngine(DIGITS)).answers(["rate this"], 20)[0]
    together = LocalJudge(BranchEngine(DIGITS)).answers(["rate this"], 20)[0]
    assert shares(together) == pytest.approx(shares(apart))


def test_a_blank_first_token_is_looked_past():
    table = {
        "": {"75": 0.2, " ": 0.5, "\n": 0.005, "no": 0.1},
        " ": {"75": 0.6, "80": 0.3, " ": 0.05},
    }
    (answer,) = LocalJudge(TableEngine(table, "75", "80")).answers(["rate this"], 20)
    expected = {"75": 0.2 + 0.5 * 0.6, "80": 0.15, " ": 0.025, "\n": 0.005, "no": 0.1}
    assert shares(answer) == pytest.approx(expected)
    mean = (75 * 0.5 + 80 * 0.15) / 0.65
    assert rate(answer, 0.25).score == pytest.approx(mean)
    assert rate(answer, 0.25).mass == pytest.approx(0.65)


def test_digits_behind_a_blank_are_read_whole():
    behind = {f" {written}": after for written, after in DIGITS.items()}
    table = {"": {" ": 0.8, "7": 0.1, "no": 0.1}, "7": {"5": 1.0}, **behind}
    (answer,) = LocalJudge(TableEngine(table)).answers(["rate this"], 20)
    seen = shares(answer)
    assert seen["75"] == pytest.approx(0.1 + 0.8 * 0.3)
    assert seen["100"] == pytest.approx(0.8 * 0.16) and seen["no"] == pytest.approx(0.18)
    assert " " not in seen


def test_a_refusal_behind_a_blank_is_one():
    table = {"": {" ": 0.9, "75": 0.1}, " ": {"REF": 0.7, "75": 0.3}}
    (answer,) = LocalJudge(TableEngine(table, "75")).answers(["rate this"], 20)
    assert rate(answer, 0.25).missing == "refusal"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(1e-9, 1)), max_size=9))
def test_tokens_with_the_same_text_add_up(tokens):
    sums: dict[str, float] = {}
    for text, share in tokens:
        sums[text] = sums.get(text, 0.0) + share
    added = added_up((text, math.log(share)) for text, share in tokens)
    assert {text: math.exp(value) for text, value in added.items()} == pytest.approx(sums)
    assert list(added) == list(sums)


def test_a_number_with_and_without_a_blank_of_its_own_adds_up_here_and_under_vllm(tmp_path):
    """As under SentencePiece, where "▁75" and "75" have the same text."""
    torch = pytest.importorskip("torch")
    from make_templates import make_pieces_model

    from idempotence.engine.hf import TransformersEngine
    from idempotence.engine.models import Weights
    from idempotence.engine.options import VllmOptions
    from idempotence.engine.vllm import VllmEngine

    weights = Weights(str(make_pieces_model(tmp_path)))
    engine = TransformersEngine(weights)
    pieces = engine.tokenizer.get_vocab()
    with torch.inference_mode():
        values = engine.model(torch.tensor([[5, 6]])).logits[0, -1].log_softmax(-1).tolist()
    both = math.exp(values[pieces["▁75"]]) + math.exp(values[pieces["75"]])
    (seen,) = engine.next_token_logprobs([[5, 6]], 500)
    assert math.exp(seen["75"]) == pytest.approx(both, rel=1e-4)
    assert math.fsum(map(math.exp, seen.values())) == pytest.approx(1, abs=1e-4)
    assert LocalJudge(engine).blanks[""] == pieces["▁"]

    served = VllmEngine(weights, VllmOptions())
    logprobs = {token: SimpleNamespace(logprob=value) for token, value in enumerate(values)}
    output = SimpleNamespace(outputs=[SimpleNamespace(logprobs=[logprobs])])
    served._generate = lambda prompts, sampling: [output for _ in prompts]
    sampling = SimpleNamespace(SamplingParams=lambda **how: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "vllm", sampling)
        (there,) = served.next_token_logprobs([[5, 6]], 500)
    assert there == pytest.approx(seen, abs=1e-4)


def rater(judge) -> Rater:
    spec = JudgeSpec(revision=None, top_logprobs=20, min_numeric_mass=0.25)
    return Rater(judge, spec, "bliss", load_rubrics())


class Echo:
    """A judge whose probabilities depend on its prompt's text, so that no two answers agree."""

    def __init__(self):
        self.most = 0

    def answers(self, texts, top):
        self.most = max(self.most, len(texts))
        return [
            Answer({"50": -len(text) / 1e4, "10": -sum(map(ord, text)) / 1e6}) for text in texts
        ]


def test_replies_that_are_rated_in_parts_keep_their_places(monkeypatch):
    rows = [{"prompt": f"p{i}", "response": "ab" * i} for i in range(5)]
    criteria = ["trait", "coherence"]
    whole, parts = Echo(), Echo()
    expected = rater(whole).rate(rows, criteria)
    monkeypatch.setattr("idempotence.judge.rater.ROWS_AT_ONCE", 2)
    assert rater(parts).rate(rows, criteria) == expected
    assert (whole.most, parts.most) == (10, 4)
    assert len({evidence for rated in expected.values() for _, evidence in rated}) == 10
    assert rater(parts).rate([], criteria) == {"trait": [], "coherence": []}
