"""Configs of earlier versions: one message, which shows that very config as it is written today."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_config import complaint, load

from idempotence.config.layers import effective_config
from idempotence.config.old_form import DOSES, PUBLISHED, new_form
from idempotence.io import parse_yaml

OLD = """study: mine
traits: [bliss, lucky]
settings: [sft, dpo, dpo-reinit]
per_setting:
  sft: {levels: [60], traits: [bliss]}
  dpo: {restart_at: [3], cycles: 9, n_sampled: [], seeds: null, beta: [0.1]}
  sdf: {seeds: 1}
"""
NEW = """settings:
  sft: {objective: sft, start: initial, traits: [bliss], cells: {levels: [60]}}
  dpo: {objective: dpo, start: previous, restart_at: [3], cycles: 9, cells: {beta: [0.1]}}
  dpo-reinit: {objective: dpo, start: initial}"""


def shown(text: str) -> str:
    """The new form in a message."""
    return text.partition("in the new form:\n\n")[2]


def test_one_message_shows_the_config_in_its_new_form_and_that_loads(file):
    text = complaint(files=[file(OLD)])
    assert text.startswith("mine.yaml, line 4, per_setting: is a form of earlier versions")
    assert shown(text) == NEW
    study = load(files=[file(f"study: mine\ntraits: [bliss, lucky]\n{NEW}\n")])
    assert [setting.name for setting in study.settings] == ["sft", "dpo", "dpo-reinit"]
    sft, dpo, _ = study.settings
    assert (sft.traits, {cell.level for cell in sft.cells}) == (("bliss",), {60})
    assert (dpo.restart_at, dpo.cycles, len(dpo.cells)) == ((3,), 9, 1)


def test_a_list_of_settings_alone(file):
    text = complaint(files=[file("study: mine\nsettings: [sdf-continual]\n")])
    assert text.startswith("mine.yaml, line 2, settings: is a form of earlier versions")
    assert shown(text) == "settings:\n  sdf-continual: {objective: sdf, start: previous}"
    text = complaint({"settings": ["sft"]})
    assert text.startswith("command line, settings: is a form")


def test_per_setting_beside_the_settings_of_the_default_study(file):
    text = complaint(files=[file("per_setting: {dpo: {cycles: 9}, sft: {levels: [60]}}\n")])
    assert "  dpo: {objective: dpo, start: previous, cycles: 9}" in shown(text)
    study = load(files=[file(shown(text))])
    assert study.setting("dpo").cycles == 9 and len(study.settings) == 5


def test_names_that_were_no_settings_are_comments(file):
    text = complaint(files=[file("settings: [sft, dpo-reint, 3, {a: b}]\n")])
    assert "  # 'dpo-reint' was no setting; did you mean dpo-reinit?" in shown(text)
    assert "  # '3' was no setting" in shown(text)
    assert [setting.name for setting in load(files=[file(shown(text))]).settings] == ["sft"]


@pytest.mark.parametrize("settings", [5, None, "sft", [], {}, {"sft": None}, {"sft": 5}])
@pytest.mark.parametrize("own", [5, None, [], {}, {"sft": 5}, {"sft": {"levels": 5}}, {3: {}}])
def test_any_mistake_beside_it_still_gives_the_message(settings, own):
    text = complaint({"settings": settings, "per_setting": own})
    assert "is a form of earlier versions" in text and shown(text).startswith("settings:")


doses = {
    "sft": {"levels": [20, 60], "n_sampled": [60]},
    "sdf": {"levels": [60], "n_sampled": [60]},
    "dpo": {"beta": [0.03], "pairs": [50]},
}


def own_keys(objective: str):
    lists = {
        name: st.lists(st.sampled_from(values), unique=True)
        for name, values in doses[objective].items()
    }
    others = {
        "traits": st.lists(st.sampled_from(["bliss", "lucky"]), unique=True),
        "seeds": st.none() | st.integers(1, 3),
        "cycles": st.none() | st.integers(1, 9),
        "seed_share": st.floats(0, 0.9),
    }
    return st.fixed_dictionaries({}, optional={**lists, **others})


@given(
    st.lists(st.sampled_from(list(PUBLISHED)), min_size=1, unique=True),
    st.fixed_dictionaries(
        {}, optional={name: own_keys(recipe["objective"]) for name, recipe in PUBLISHED.items()}
    ),
)
def test_the_new_form_means_what_the_old_one_meant(names, own):
    """Keys that are empty or null meant the study's own."""
    new = parse_yaml(new_form({"settings": names, "per_setting": own}))
    study = load(new)
    assert [setting.name for setting in study.settings] == names
    for setting in study.settings:
        keys = {key: value for key, value in own.get(setting.name, {}).items() if value}
        assert (setting.objective, setting.start) == tuple(PUBLISHED[setting.name].values())
        assert setting.seeds == keys.get("seeds", study.seeds)
        assert setting.cycles == keys.get("cycles", study.cycles)
        assert set(setting.traits) == {*keys.get("traits", study.traits)}
        assert setting.seed_share == keys.get("seed_share", 0)
        section = study.objective_section(setting.objective)
        for dose in {*DOSES} & {*keys}:
            assert getattr(setting.section.cells, dose) == keys[dose]
        for dose in {*section.cells.model_dump()} - {*keys}:
            assert getattr(setting.section.cells, dose) == getattr(section.cells, dose)


def test_settings_of_the_old_form_pass_the_layers_untouched():
    config = {"settings": ["sft"], "per_setting": {"sft": {"seeds": 1}}}
    assert effective_config(config, []) == config
