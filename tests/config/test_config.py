"""The config: its keys, and which mistakes it names where."""

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_config import (
    BASE,
    BASE_FILE,
    DEFAULT,
    LEAVES,
    ROOT,
    SECTIONS,
    TRAITS,
    complaint,
    content_of,
    effective,
    load,
    nested,
)

from idempotence.config.grid import StudyPanel
from idempotence.config.layers import effective_config
from idempotence.config.load import load_study
from idempotence.config.study import Study
from idempotence.doses import Cell
from idempotence.errors import UserError
from idempotence.texts.supply import Supply
from idempotence.workflow.study_texts import supply

PROMPTS = {"chat": 1500, "document": 1500}
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))


def shipped(name: str) -> dict:
    return content_of(ROOT / "studies" / f"{name}.yaml")


# --- studies that hold


@pytest.mark.parametrize("files", [[], *([file] for file in STUDIES)], ids=str)
def test_every_study_of_the_project_is_valid(files, monkeypatch):
    monkeypatch.chdir(ROOT)
    config = effective(files=files, base=DEFAULT)
    study = load_study(config, [str(DEFAULT), *map(str, files)], supply(config))
    assert study.panels()


def test_tiny_has_all_kinds_of_loops_of_the_default_study():
    small, default = load(files=[ROOT / "studies/tiny.yaml"], base=DEFAULT), load(base=DEFAULT)
    assert small.study == "tiny"
    loops = {s.name: (s.objective, s.start) for s in default.settings}
    assert {s.name: (s.objective, s.start) for s in small.settings}.items() <= loops.items()
    assert {(s.objective, s.start) for s in small.settings} == {*loops.values()}
    assert [s.changes for s in small.settings] == [""] * len(small.settings)
    assert {*small.twins} <= {*default.twins} and small.twins
    assert small.first_cycles.items() <= default.first_cycles.items() and small.first_cycles
    assert [m.name for m in small.models] == [m.name for m in default.models]
    assert all(len(setting.cells) == 1 for setting in small.settings)


def test_words_of_a_panel():
    study = load({"sft": {"cells": {"levels": [20], "n_sampled": [60]}}})
    panel = study.panel("sft-continual", "micro-instruct", "bliss", 1)
    assert panel.directory == "sft-continual/micro-instruct/bliss/seed1"
    assert (panel.setting.objective, panel.setting.start) == ("sft", "previous")
    assert panel.cells == (Cell("level20_sampled60", level=20, n_sampled=60),)
    assert panel.cells[0].doses == {
        "level": 20,
        "n_seed": None,
        "n_sampled": 60,
        "beta": None,
        "pairs": None,
    }
    assert panel in study.panels()
    assert isinstance(panel, StudyPanel)
    for wrong in [("sdf-continual", "micro-base"), ("sft", "nobody")]:
        with pytest.raises(KeyError):
            study.panel(*wrong, "bliss", 0)


def test_models_of_a_setting():
    for panel in load().panels():
        assert panel.model.kind == panel.setting.method.model_kind


def test_numbers_may_be_written_as_yaml_reads_them():
    study = load({"sft": {"training": {"learning_rate": "1e-4", "batch_size": "8"}}})
    assert study.sft.training.learning_rate == 1e-4
    assert study.sft.training.batch_size == 8
    assert load({"keep_adapters": "false"}).keep_adapters is False


def test_a_verdict_beyond_the_last_cycle_is_allowed():
    study = load({"cycles": 1, "analysis": {"amplification_from_cycle": 5}})
    assert study.analysis.amplification_from_cycle > study.cycles


def test_a_study_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load().seeds = 9


@given(
    st.lists(st.sampled_from(list(BASE["settings"])), min_size=1, unique=True),
    st.lists(st.sampled_from(TRAITS), min_size=1, unique=True),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_panels_are_the_product_of_what_is_listed(chosen, traits, seeds, models):
    listed = [
        {"name": f"{kind}{i}", "kind": kind, "path": f"world/{kind}"}
        for kind in ("instruct", "base")
        for i in range(models)
    ]
    recipes = {name: {} for name in chosen}
    study = load({"settings": recipes, "traits": traits, "seeds": seeds, "models": listed})
    panels = study.panels()
    assert len(panels) == len(chosen) * len(traits) * seeds * models
    assert len({panel.directory for panel in panels}) == len(panels)
    for panel in panels:
        again = study.panel(panel.setting.name, panel.model.name, panel.trait, panel.seed)
        assert again == panel


def test_the_reference_study_is_the_full_study_from_its_scores():
    full, reference = shipped("full"), shipped("reference")
    assert reference.pop("scores_from") == "results/shipped/reference"
    assert {**reference, "study": "full"} == full


# --- mistakes


def test_a_study_is_not_named_as_the_folder_of_shipped_ones():
    assert "take another name" in complaint({"study": "shipped"})


@given(st.sampled_from([(place, key) for place in SECTIONS for key in SECTIONS[place]]))
def test_an_unknown_key_is_refused_anywhere_with_the_nearest_name(where):
    place, key = where
    dotted = f"{place}.{key}x".lstrip(".")
    text = complaint(nested(dotted, 1))
    # a section without its needed keys has more mistakes than the one
    assert text.startswith("a mistake in the config") or place.startswith("packages.")
    assert f"command line, {dotted}: there is no such key; did you mean {key}?" in text
    for name in SECTIONS[place]:
        assert name in text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(LEAVES + [place for place in SECTIONS if place]), json_values)
def test_any_value_anywhere_is_taken_or_refused_by_name(key, value):
    raw = copy.deepcopy(BASE)
    *outer, last = key.split(".")
    section = raw
    for part in outer:
        section = section.setdefault(part, {})
    section[last] = value
    config = effective_config(raw, [str(BASE_FILE)], nested(key, value))
    try:
        study = load_study(config, [str(BASE_FILE)], Supply(TRAITS, PROMPTS))
    except UserError as error:
        assert last in str(error)
    else:
        assert isinstance(study, Study)
        assert study.settings and study.twins is not None and study.calibrations is not None


ONE_MISTAKE = {
    "misspelt trait": ("traits", ["Blis"], "did you mean bliss?"),
    "misspelt choice": ("dpo.training.schedule", "cosin", "did you mean cosine?"),
    "negative dose": ("sft.cells.n_sampled", [-5], "-5 is not allowed"),
    "negative level": ("sft.cells.levels", [-5], "above 0 and below 100"),
    "level 100": ("sft.cells.levels", [100], "above 0 and below 100"),
    "repeated level": ("sft.cells.levels", [20, 20.0], "20 is listed twice"),
    "repeated n_sampled": ("sdf.cells.n_sampled", [8, "8"], "8 is listed twice"),
    "repeated beta": ("dpo.cells.beta", [0.1, "1e-1"], "0.1 is listed twice"),
    "repeated pairs": ("dpo.cells.pairs", [9, 9], "9 is listed twice"),
    "repeated trait": ("traits", ["bliss", "bliss"], "bliss is listed twice"),
    "dpo n_seed beyond the rows": ("dpo.cells.n_seed", 10**6, "at most seed_rows"),
    "n_seed_max beyond the rows": ("calibration.n_seed_max", 10**6, "at most seed_rows"),
    "levels without a dose to try": ("calibration.step", 10**6, "no level can be calibrated"),
    "no dose": ("sft.cells.levels", [], "give levels (calibrated) or n_seed"),
    "two kinds of dose": ("sft.cells", {"levels": [9], "n_seed": [1]}, "both levels and n_seed"),
    "a dose that is no number": ("sft.cells.n_sampled", ["x"], "'x' is not allowed"),
    "empty list": ("dpo.cells.beta", [], "a list of at least one"),
    "text for a number": ("seeds", "three", "'three' is not allowed"),
    "true for a number": ("cycles", True, "True is not allowed"),
    "infinite": ("sft.training.learning_rate", float("inf"), "inf is not allowed"),
    "infinite, in words": ("sft.training.learning_rate", "inf", "must be a number, above 0"),
    "not a number": ("sft.training.weight_decay", float("nan"), "nan is not allowed"),
    "fraction for a count": ("sft.training.batch_size", 2.5, "a whole number"),
    "one for true": ("keep_adapters", 1, "true or false"),
    "too few for neighbours": (
        "tuning.dpo.betas",
        [0.1],
        "[0.1] is not allowed: it must be a list of at least two",
    ),
    "number for a list": ("dpo.cells.pairs", 5, "5 is not allowed"),
    "number for a section": ("evaluation", 5, "a section with the keys questions"),
    "nothing": ("judge", None, "None is not allowed"),
    "path in a name": ("study", "../x", "a name of letters, digits"),
    "modules": ("sft.training.lora.target_modules", [3], "all-linear or a list"),
    "judge of the world": ("judge.path", "world/jugde", "did you mean world/judge?"),
    "judge nowhere": ("judge.path", "no such/folder/here", "nor a hub name"),
    "judge too long for a path": ("judge.path", "x" * 5000, "nor a hub name"),
    "judge nowhere near": ("judge.path", "../x", "nor a hub name"),
    "bytes for a path": ("judge.path", b"world/judge", "it must be a text"),
    "bytes for a name": ("study", b"mine", "a name of letters, digits"),
    "unpinned judge": ("judge.path", "owner/judge", "needs its commit"),
    "pinned folder": ("judge.revision", "abc", "has no revision"),
}


@pytest.mark.parametrize("case", ONE_MISTAKE)
def test_a_mistake_is_named_once(case):
    key, value, expected = ONE_MISTAKE[case]
    text = complaint(nested(key, value))
    assert text.startswith("a mistake in the config; nothing was run.\n")
    assert len(text.splitlines()) == 2
    assert expected in text
    # Some mistakes lie in a neighbour of the changed key, always in the same section.
    assert key.rpartition(".")[0] in text


def test_n_seed_beyond_the_rows():
    rows = BASE["seed_rows"]
    cells = {"n_seed": [rows, rows + 1]}
    text = complaint({"sft": {"cells": cells}})
    assert f"sft.cells.n_seed.1: {rows + 1} is beyond the rows there are" in text
    assert f"seed_rows ({rows})" in text
    assert len(text.splitlines()) == 2


def test_a_repeated_name_does_not_hide_a_misspelt_one():
    text = complaint({"traits": ["bliss", "bliss", "lukcy"]})
    assert "bliss is listed twice" in text
    assert "traits.2: 'lukcy' is not a trait; did you mean lucky?" in text


def test_a_search_needs_at_least_one_dose_to_try():
    assert load({"calibration": {"n_seed_max": 8, "step": 8}}).calibration.n_seed_max == 8
    text = complaint({"calibration": {"n_seed_max": 8, "step": 9}})
    assert "calibration.n_seed_max: 8 is below calibration.step (9)" in text


def test_doses_of_unused_objectives_are_not_checked():
    over = nested("dpo.cells.n_seed", 10**6) | {"settings": {"sft": {}, "sdf": {}}}
    assert load(over).dpo.cells.n_seed == 10**6


def test_a_setting_needs_a_model_of_its_kind():
    instruct = [model for model in BASE["models"] if model["kind"] == "instruct"]
    text = complaint({"models": instruct, "settings": {"sft": {}, "sdf": {}}})
    assert "settings.sdf: needs a model of kind base; models lists none" in text
    assert len(text.splitlines()) == 2


def test_two_models_of_one_name():
    twice = [*BASE["models"], BASE["models"][0]]
    assert f"models.{len(twice) - 1}.name: " in complaint({"models": twice})


def test_a_local_folder_is_a_model(tmp_path):
    here = {"name": "mine", "kind": "instruct", "path": str(tmp_path)}
    assert load({"models": [here], "settings": {"sft": {}}}).models[0].path == str(tmp_path)


def test_written_rows_count_for_the_settings_that_use_them():
    over = {
        "texts": "written", "traits": ["bliss", "lucky"], "seeds": 1, "seed_rows": 20,
        "settings": {"sft": {}, "sdf": {"traits": ["bliss"]}},
        "sft": {"cells": {"n_seed": [20]}}, "sdf": {"cells": {"n_seed": [20]}},
    }  # fmt: skip
    there = {
        "prompts": {"chat": 4000, "document": 3000},
        "questions": {kind: {"bliss": 12, "lucky": 12} for kind in ("chat", "document")},
        "seed_rows": {"chat": {"bliss": 64, "lucky": 64}, "document": {"bliss": 24, "lucky": 0}},
    }
    assert load(over, **there).panels()
    text = complaint({**over, "settings": {"sft": {}, "sdf": {}}}, **there)
    assert "20 is beyond the seed rows of kind document that the trait lucky has: 0" in text
    few = {**there, "questions": {kind: {"bliss": 5, "lucky": 12} for kind in there["questions"]}}
    assert "12 is beyond the questions that the trait bliss has: 5" in complaint(over, **few)


def test_a_setting_may_have_models_of_its_own():
    models = [
        {"name": "one", "kind": "instruct", "path": "world/instruct"},
        {"name": "two", "kind": "instruct", "path": "world/instruct"},
        {"name": "base", "kind": "base", "path": "world/base"},
    ]
    over = {"models": models, "settings": {"sft": {}, "dpo": {"models": ["two"]}}}
    pairs = {(panel.setting.name, panel.model.name) for panel in load(over).panels()}
    assert pairs == {("sft", "one"), ("sft", "two"), ("dpo", "two")}
    over["settings"]["dpo"] = {"models": ["base"]}
    assert "settings.dpo.models.0: 'base' is no instruct model" in complaint(over)


def test_prompts_must_be_enough():
    study = load()
    cells = {"sft": study.sft.cells.n_sampled, "dpo": study.dpo.cells.pairs}
    shared = study.evaluation.questions + study.seed_rows
    needed = {name: shared + study.cycles * max(doses) for name, doses in cells.items()}
    documents = shared + study.cycles * max(study.sdf.cells.n_sampled)
    enough = {"chat": max(needed.values()), "document": documents}
    assert load(prompts=enough) == study
    text = complaint({}, prompts={**enough, "document": documents - 1})
    assert "sdf.cells.n_sampled" in text
    assert f"= {documents} document prompts; there are only {documents - 1}" in text
    for key in ("evaluation.questions", "seed_rows", "cycles"):
        assert key in text
    text = complaint({}, prompts={**enough, "chat": min(needed.values()) - 1})
    assert "sft.cells.n_sampled" in text and "dpo.cells.pairs" in text


def test_all_mistakes_come_at_once():
    """Wrong types hide neither misspelt names nor doses beyond the rows."""
    text = complaint(
        {
            "traits": ["blis", 3],
            "settings": {"sft": {}, "dpo": {"start": "initail", "cells": {"beta": [0.1, -1]}}},
            "seeds": True,
            "lerning_rate": 1,
            "sft": {"cells": {"n_seed": [-1, 10**6]}, "training": {"epochs": "x"}},
            "judge": {"path": "world/x", "backend": 1},
        }
    )
    expected = [
        "traits.0", "traits.1", "settings.dpo.start", "settings.dpo.cells.beta.1", "seeds",
        "lerning_rate", "sft.cells.n_seed.0", "sft.cells.n_seed.1", "sft.training.epochs",
        "judge.path", "judge.backend",
    ]  # fmt: skip
    named = re.findall(r"^  .*?, ([\w.]+): ", text, flags=re.MULTILINE)
    assert sorted(named) == sorted(expected)
    assert text.startswith(f"{len(expected)} mistakes")
