"""Layers of a config: which file names the settings, and which of two kinds of dose is meant."""

import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from make_config import (
    BASE,
    BASE_FILE,
    DEFAULT,
    DEFAULT_STUDY,
    ROOT,
    complaint,
    effective,
    load,
)

from idempotence.config.layers import effective_config, merged

N_SEED = "sft: {cells: {n_seed: [40]}}\n"
LEVELS = "sft: {cells: {levels: [30]}}\n"


@pytest.fixture
def file(tmp_path):
    """A function that writes a config file."""

    def write(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


# --- settings


def names(over=None, files=()) -> list[str]:
    return [setting.name for setting in load(over, files).settings]


def test_the_last_file_with_settings_names_them(file):
    first = file("settings: {dpo: {}, sft: {seeds: 1}}\n")
    assert names(files=[first]) == ["dpo", "sft"]
    assert names(files=[first, file("study: other\n")]) == ["dpo", "sft"]
    last = file("settings: {sft: {}, mine: {objective: dpo, start: initial}}\n")
    assert names(files=[first, last]) == ["sft", "mine"]
    assert load(files=[first, last]).setting("sft").seeds == 1
    assert names({"settings": {"sdf": {}}}, [first, last]) == ["sdf"]


@pytest.mark.parametrize("nothing", ["", "{}", "null"])
def test_a_recipe_without_a_value_is_that_of_the_earlier_files(file, nothing):
    study = load(files=[file(f"settings:\n  sft-continual: {nothing}\n")])
    (setting,) = study.settings
    assert setting == load().setting("sft-continual")


def test_a_recipe_is_merged_key_by_key_with_earlier_ones(file):
    files = [
        file("settings: {sft: {cycles: 9, training: {epochs: 2, lora: {rank: 4}}}}\n"),
        file("settings: {sft: {seeds: 1, training: {lora: {alpha: 8}}}}\n"),
    ]
    setting = load(files=files).setting("sft")
    assert (setting.objective, setting.cycles, setting.seeds) == ("sft", 9, 1)
    training = setting.section.training
    assert (training.epochs, training.lora.rank, training.lora.alpha) == (2, 4, 8)
    assert training.batch_size == BASE["sft"]["training"]["batch_size"]


@pytest.mark.parametrize("same", [{}, {"objective": "sft"}, None])
def test_the_command_line_names_settings_even_where_it_repeats_the_files(same):
    assert names({"settings": {"sft": same}}) == ["sft"]


def test_without_a_command_line_it_is_what_the_config_has_beyond_its_files():
    config = merged(BASE, {"settings": {"sft": {"seeds": 1}}})
    assert list(effective_config(config, [str(BASE_FILE)])["settings"]) == ["sft"]
    assert effective_config(BASE, [str(BASE_FILE)]) == BASE


def test_a_config_that_lacks_keys_of_the_files_is_one_layer_over_the_first():
    """A workflow that uses this one as a module passes a config of its own."""
    assert effective_config({"study": "own"}, [str(BASE_FILE)]) == {**BASE, "study": "own"}
    own = copy.deepcopy(BASE)
    own["settings"] = {"sft": {"objective": "sft", "start": "initial"}}
    own["sft"]["cells"] = {"n_seed": [8], "n_sampled": [8]}
    assert effective_config(own, [str(BASE_FILE)]) == own


def test_the_default_study_alone_is_unchanged():
    assert effective(base=DEFAULT) == DEFAULT_STUDY


# --- levels or n_seed


def cells(files, over=None):
    study = load(over, files)
    return study.sft.cells.levels, study.sft.cells.n_seed


def test_the_dose_that_is_given_last_drops_the_other(file):
    n_seed, levels = file(N_SEED), file(LEVELS)
    assert cells([n_seed]) == ([], [40])
    assert cells([n_seed, levels]) == ([30], [])
    assert cells([levels, n_seed]) == ([], [40])
    assert cells([], {"sft": {"cells": {"n_seed": [40]}}}) == ([], [40])
    # repeats the first file, over a file that says otherwise
    default = BASE["sft"]["cells"]["levels"]
    assert cells([n_seed], {"sft": {"cells": {"levels": default}}}) == (default, [])


def test_an_empty_list_beside_the_dose_changes_nothing(file):
    assert cells([file("sft: {cells: {n_seed: [40], levels: []}}\n")]) == ([], [40])


def test_both_kinds_of_dose_in_one_file_are_a_mistake(file):
    text = complaint(files=[file("sft: {cells: {n_seed: [40], levels: [30]}}\n")])
    assert "line 1, sft.cells: has both levels and n_seed; give one of them" in text
    recipe = "settings:\n  sft:\n    cells: {n_seed: [40], levels: [30]}\n"
    text = complaint(files=[file(recipe)])
    assert "line 3, settings.sft.cells: has both levels and n_seed" in text


def test_recipes_in_two_files_follow_the_same_rule(file):
    n_seed = file("settings: {sft: {cells: {n_seed: [40]}}}\n")
    levels = file("settings: {sft: {cells: {levels: [30]}}}\n")
    doses = [(cell.level, cell.n_seed) for cell in load(files=[n_seed, levels]).settings[0].cells]
    assert doses == [(30, None)]
    doses = [(cell.level, cell.n_seed) for cell in load(files=[levels, n_seed]).settings[0].cells]
    assert doses == [(None, 40)]


def test_no_mistake_of_dpo_is_dropped(file):
    """There n_seed is no alternative to levels."""
    files = [
        file("settings: {dpo: {cells: {levels: [30]}}}\n"),
        file("settings: {dpo: {cells: {n_seed: 40}}}\n"),
    ]
    assert "settings.dpo.cells.levels: is no dose of dpo" in complaint(files=files)


@pytest.mark.parametrize("name", ["tiny", "full", "audit"])
def test_the_config_that_a_study_writes_down_is_that_study_again(file, name):
    """results/<study>/config.yaml, given as a further study's file."""
    dose = {"cells": {"n_seed": [40]}}
    over = {"settings": {"dpo": {"seeds": 1}, "sft": dose}, "sdf": dose}
    config = effective(over, [ROOT / f"studies/{name}.yaml"], DEFAULT)
    written = file(yaml.safe_dump(config, sort_keys=False))
    again = effective(files=[written], base=DEFAULT)
    assert again == config and list(again["settings"]) == ["dpo", "sft"]


# --- merging

values = st.recursive(
    st.none() | st.integers() | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
sections = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(sections, sections)
def test_merging_keeps_both_and_changes_neither(base, over):
    before = copy.deepcopy((base, over))
    result = merged(base, over)
    assert (base, over) == before
    assert {*result} == {*base, *over}
    assert merged(result, over) == result
    assert merged(base, {}) == base and merged({}, over) == over


@given(sections, sections)
def test_merging_is_snakemakes(base, over):
    from snakemake.utils import update_config

    expected = copy.deepcopy(base)
    update_config(expected, copy.deepcopy(over))
    assert merged(base, over) == expected
