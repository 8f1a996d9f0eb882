"""The plan of a study: its jobs and costs, before it runs."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from make_config import load
from make_plan import WORLD, plan_of

from idempotence.config.layers import merged
from idempotence.config.rates import LayerTimes
from idempotence.cost_estimate.page import AUDITED
from idempotence.cost_estimate.plan import estimate
from idempotence.cost_estimate.sizes import (
    adapter_weights,
    local_folder,
    size_of,
    stored_layers,
    stored_parameters,
)
from idempotence.cost_estimate.table import TOTAL
from idempotence.cost_estimate.work import search
from idempotence.errors import UserError
from idempotence.jobs.parts import Lora

# a device that is always in full use
FULL_USE = {
    "gigabytes_per_second": 1e12,
    "layer_ms": dict.fromkeys(LayerTimes.model_fields, 0),
}
LORA = Lora(rank=16, alpha=32, dropout=0.0, target_modules=())
QWEN3_4B = {
    "model_type": "qwen3", "hidden_size": 2560, "intermediate_size": 9728, "head_dim": 128,
    "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
}  # fmt: skip


def test_amounts_by_hand():
    table, _ = plan_of({}, {"judge": 12, "report": 1})
    sft, dpo = table.loc[("finetune_sft", "sft")], table.loc[("finetune_dpo", "dpo")]
    # 2 seeds x 3 cycles; 2 cells and 1
    assert (sft["jobs"], sft["chains"], sft["models"]) == (6, 4, 12)
    assert sft["rows_trained"] == 2 * (10 + 20 + 2 * 2 * 5)
    assert (dpo["jobs"], dpo["chains"], dpo["models"]) == (6, 2, 6)
    assert dpo["rows_trained"] == 2 * (7 + 2 * 6)
    sample = table.loc[("sample", "dpo")]
    assert (sample["jobs"], sample["answers"]) == (6, 6 * 3 * 4)
    assert (sample["generated"], sample["rejected"]) == (24, 24)  # nothing after the last cycle
    assert sample["tokens_sampled"] == 20 * (72 + 24 + 24)
    assert table.loc[("seed_data", "dpo"), "rejected"] == 2 * 40
    judge = table.loc[("judge", "sft")]
    assert judge["judge_calls"] == 2 * (2 * 3 * 2 * 3 * 4)
    assert judge["judge_tokens_out"] == 4 * judge["judge_calls"]
    assert table.loc[("sample_initial", ""), "answers"] == 3 * 4
    assert "calibrate" not in table.index and table.loc[("report", ""), "jobs"] == 1
    total = table.loc[(TOTAL, "")]
    assert total["jobs"] == table["jobs"].sum() - total["jobs"]
    again = 1 + 2 * (2 + 1)  # initial and cycle-0 models, of both seeds
    assert total["answers"] == 12 * (1 + 12 + 6) + 12 * again


def test_a_speed_and_a_price_by_hand():
    rates = {"train": 2, "sample": 4, "read": 8, "loading": 36, **FULL_USE}
    api = {"base_url": "https://x/v1", "price_in": 2, "price_out": 3, "max_cost": 0.001}
    judge = {"backend": "openai", "path": "some-judge", "api": api}
    table, text = plan_of({"rates": rates, "judge": judge})
    billions = stored_parameters(WORLD / "instruct") / 1e9
    finetune, judged = table.loc[("finetune_sft", "sft")], table.loc[("judge", "sft")]
    assert finetune["device_hours"] == pytest.approx(
        finetune["tokens_trained"] * billions / 7200 + 6 * 0.01, rel=1e-3
    )
    money = (judged["judge_tokens_in"] * 2 + judged["judge_tokens_out"] * 3) / 1e6
    assert judged["api_cost"] == pytest.approx(money, rel=1e-3) and judged["device_hours"] == 0
    assert "THE STUDY WOULD STOP: judge.api.max_cost is 0.001" in text
    assert "cost of models behind an API" in text and "some-judge" in text


def test_a_second_judge_rates_the_same_by_its_own_prices():
    api = {"base_url": "https://x/v1", "price_in": 2, "max_calls": 3}
    second = {"backend": "openai", "path": "some-judge", "api": api}
    table, text = plan_of({"second_judge": second})
    for setting in ("sft", "dpo"):
        one, other = table.loc[("judge", setting)], table.loc[("judge_second", setting)]
        assert one["judge_calls"] == other["judge_calls"] > 0
        assert one["api_cost"] == 0 == other["device_hours"] < other["api_cost"]
    assert "THE STUDY WOULD STOP: second_judge.api.max_calls is 3" in text
    sampled, _ = plan_of({"second_judge": {**second, "top_logprobs": 0, "samples": 5}})
    amounts = ["judge_calls", "judge_tokens_in"]
    once = table.loc[("judge_second", "sft"), amounts]
    assert sampled.loc[("judge_second", "sft"), amounts].tolist() == [5 * n for n in once]


def test_adapters_are_kept_or_of_a_panel_at_a_time():
    each = adapter_weights(WORLD / "instruct", LORA) * 4e-9
    kept = plan_of({})[0]
    assert kept.loc[(TOTAL, ""), "gb_adapters"] == pytest.approx((12 + 6) * each)
    assert kept.loc[(TOTAL, ""), "gb_temporary"] == 0
    passing = plan_of({"keep_adapters": False})[0]["gb_temporary"]
    assert passing[("finetune_sft", "sft")] == pytest.approx(2 * each)
    assert passing[("finetune_dpo", "dpo")] == pytest.approx(2 * each)  # of two cycles
    assert passing[(TOTAL, "")] == pytest.approx(2 * each)


def test_a_model_that_is_not_here_leaves_hours_empty_or_takes_what_the_config_says():
    model = {"name": "far", "kind": "instruct", "path": "owner/far", "revision": "abc"}
    table, text = plan_of({"models": [model]})
    assert pd.isna(table.loc[(TOTAL, ""), "device_hours"])
    assert pd.isna(table.loc[("finetune_sft", "sft"), "gb_adapters"])
    assert "far: parameters not known" in text and "not known" in text
    assert table.loc[(TOTAL, ""), "tokens_trained"] > 0
    table, text = plan_of({"models": [{**model, "parameters": 4_022_468_096}]})
    assert table.loc[(TOTAL, ""), "device_hours"] > 0
    assert "4.02 billion parameters (from the config)" in text
    assert "tokens counted by rates.characters_per_token" in text and "rates.lora" in text


def test_calibrated_doses_are_those_of_a_score_in_proportion():
    doses, tried = search((20.0, 60.0), 4, 400)
    assert doses == {"20": 80, "60": 240} and len(tried) <= 14
    assert set(doses.values()) <= set(tried)
    table, _ = plan_of(
        {"sft": {"cells": {"levels": [50], "n_seed": []}}, "calibration": {"n_seed_max": 40}}
    )
    calibrate = table.loc[("calibrate", "")]
    assert calibrate["models"] == len(search((50.0,), 4, 40)[1])
    assert calibrate["answers"] == calibrate["models"] * 3 * 6


def test_a_setting_is_counted_with_what_its_recipe_changes():
    small = {"training": {"lora": {"rank": 4}, "epochs": 2}, "generation": {"max_new_tokens": 10}}
    own = {"objective": "sft", "start": "initial", "cycles": 1, "seeds": 1, **small}
    table, text = plan_of({"settings": {"sft-short": own}})
    whole, short = (
        table.loc[("finetune_sft", "sft")],
        table.loc[("finetune_sft_short", "sft-short")],
    )
    assert (short["jobs"], short["models"]) == (2, 4)
    each = adapter_weights(WORLD / "instruct", replace(LORA, rank=4)) * 4e-9
    assert short["gb_adapters"] == pytest.approx(4 * each)
    assert whole["gb_adapters"] == pytest.approx(12 * 4 * each)
    # a sampled reply has 10 tokens at most; answers are not changed
    sampled = table.loc[("sample", "sft-short")]
    assert sampled["tokens_sampled"] == 20 * sampled["answers"] + 10 * sampled["generated"]
    assert "sft, dpo: an adapter of" in text and "sft-short: an adapter of" in text


def test_a_cycle_0_that_is_copied_costs_nothing_and_shares_its_calibration():
    over = {
        "settings": {"sft-continual": {"objective": "sft", "start": "previous"}},
        "sft": {"cells": {"levels": [50], "n_seed": []}}, "calibration": {"n_seed_max": 40},
    }  # fmt: skip
    table, _ = plan_of(over)
    copied = table.loc[("copy_first_cycle_sft_continual", "sft-continual")]
    assert (copied["chains"], copied["models"], copied["tokens_sampled"]) == (2, 0, 0)
    assert table.loc[("finetune_sft_continual", "sft-continual"), "jobs"] == 4  # cycles 1 and 2
    assert ("seed_data", "sft-continual") not in table.index
    assert table.loc[("calibrate", ""), "jobs"] == 1
    ended = {
        "settings": {"sft-continual": {**over["settings"]["sft-continual"], "seed_share": 0.5}}
    }
    assert plan_of(merged(over, ended))[0].loc[("seed_data", "sft-continual"), "jobs"] == 2


def test_rows_of_the_initial_model_are_sampled_beside_the_own_ones():
    own = {
        "seeds": 1,
        "cycles": 3,
        "initial_share": 0.3,
        "cells": {"n_seed": [8], "n_sampled": [10, 20]},
    }
    table, _ = plan_of({"settings": {"sft": own}})
    plain, _ = plan_of({"settings": {"sft": {**own, "initial_share": 0}}})
    rows = table.loc[("sample_initial_rows", "sft")]
    assert (rows["jobs"], rows["generated"], rows["tokens_sampled"]) == (3, 3 * 6, 20 * 3 * 6)
    assert "sample_initial_rows" not in plain.index
    for rule in ("finetune_sft", "sample", "judge"):
        assert table.loc[(rule, "sft")].equals(plain.loc[(rule, "sft")])


def test_candidates_are_sampled_and_judged_beside_the_own_samples():
    own = {"seeds": 1, "cycles": 3, "cells": {"n_seed": [8], "n_sampled": [10, 20]}}
    best = {**own, "objective": "best_of_n", "selection": {"candidates": 5}, "min_coherence": 50}
    table, _ = plan_of({"settings": {"sft": best}})
    plain, _ = plan_of({"settings": {"sft": own}})
    sampled, judged = (table.loc[(f"{rule}_candidates", "sft")] for rule in ("sample", "judge"))
    assert (sampled["jobs"], sampled["generated"]) == (3, 3 * 4 * 30)
    assert (judged["jobs"], judged["judge_calls"]) == (3, 3 * 5 * 30 * 2)  # trait and coherence
    assert "judge_generated" not in table.index and "sample_candidates" not in plain.index
    for rule in ("finetune_sft", "sample", "judge"):
        assert table.loc[(rule, "sft")].equals(plain.loc[(rule, "sft")])


def test_data_that_accumulate_are_trained_on_again_at_each_cycle():
    own = {"seeds": 1, "cells": {"n_seed": [8], "n_sampled": [10]}}
    loops = [
        {"settings": {"sft": {**own, "accumulate": growing, "cycles": 3}}}
        for growing in (False, True)
    ]
    plain, growing = (
        plan_of(over)[0].loc[("finetune_sft", "sft"), "rows_trained"] for over in loops
    )
    assert plain == 8 + 3 * 10
    assert growing == 8 + (8 + 10) + (8 + 20) + (8 + 30)


def test_every_initial_model_is_measured_on_every_trait_of_the_study():
    own = {"sft": {"traits": ["lucky"]}, "dpo": {"traits": ["lucky"]}}
    table, _ = plan_of({"traits": ["bliss", "lucky"], "settings": own})
    assert (
        table.loc[("sample_initial", ""), "jobs"] == table.loc[("judge_initial", ""), "jobs"] == 2
    )


def test_a_study_of_shipped_scores_trains_nothing():
    table, text = plan_of(
        {"scores_from": "results/shipped/reference"}, {"report": 1, "plot_grid": 3}
    )
    assert table.loc[(TOTAL, ""), ["jobs", "models", "answers", "device_hours"]].tolist() == [
        4,
        0,
        0,
        0,
    ]
    assert "plot_grid 3" in text


def test_the_adapter_of_a_published_shape(tmp_path):
    assert adapter_weights(tmp_path, LORA) is None
    (tmp_path / "config.json").write_text(json.dumps(QWEN3_4B))
    assert adapter_weights(tmp_path, LORA) == 33_030_144
    # q and v alone: 36 layers x rank 16 x (2560 + 4096 + 2560 + 1024)
    assert (
        adapter_weights(tmp_path, replace(LORA, target_modules=("q_proj", "v_proj"))) == 5_898_240
    )
    known, rough = (size_of(at, 4_022_468_096, LORA, 0.8) for at in (tmp_path, None))
    assert rough.adapter == pytest.approx(33_030_144, rel=0.05)
    assert known.depth == stored_layers(tmp_path) == 36
    assert rough.depth == pytest.approx(36, rel=0.15)
    (tmp_path / "config.json").write_text(json.dumps({**QWEN3_4B, "model_type": "other"}))
    assert adapter_weights(tmp_path, LORA) is None


def test_parameters_by_the_headers_of_weights(tmp_path):
    assert stored_parameters(tmp_path) is None
    header = json.dumps({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [3, 5], "data_offsets": [0, 60]},
        "b": {"dtype": "BF16", "shape": [7], "data_offsets": [60, 74]},
    }).encode()  # fmt: skip
    for name in ("model-00001-of-00002", "model-00002-of-00002"):
        (tmp_path / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert stored_parameters(tmp_path) == 2 * 22
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    with pytest.raises(UserError, match="broken.safetensors is no safetensors file"):
        stored_parameters(tmp_path)


def test_where_a_model_lies():
    assert local_folder("world/base", None, WORLD) == WORLD / "base"
    assert local_folder("world/base", None, Path("absent")) is None
    assert local_folder(str(WORLD), None, WORLD) == WORLD
    assert local_folder("owner/nowhere", "abc", WORLD) is None
    assert local_folder("gpt-4o-mini", None, WORLD) is None


def test_a_hub_model_that_was_downloaded_is_measured_by_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--owner--far" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps(QWEN3_4B))
    assert local_folder("owner/far", "abc", WORLD) == snapshot
    assert local_folder("owner/far", "abd", WORLD) is None
    model = {"name": "far", "kind": "instruct", "path": "owner/far", "revision": "abc"}
    text = plan_of({"models": [{**model, "parameters": 4_022_468_096}]})[1]
    assert "an adapter of 132 MB (by the shape in" in text


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_sizes_are_those_of_the_files_that_peft_writes(tmp_path, architecture):
    from make_models import make_model
    from safetensors.numpy import load_file
    from transformers import AutoModelForCausalLM

    from idempotence.finetune.adapters import adapter_of, attach

    folder = make_model(tmp_path / "model", architecture)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert stored_parameters(folder) == sum(p.numel() for p in model.parameters())
    for modules in ((), ("q_proj", "down_proj")):
        lora = Lora(rank=4, alpha=8.0, dropout=0.0, target_modules=modules)
        adapted = attach(model, lora, None)
        (tmp_path / "adapter").mkdir(exist_ok=True)
        adapter_of(adapted).save(tmp_path / "adapter")
        saved = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
        assert adapter_weights(folder, lora) == sum(tensor.size for tensor in saved.values())
        model = adapted.unload()


def test_the_generator_of_seed_rows_is_counted_by_its_rows_and_prices():
    api = {"base_url": "https://x/v1", "price_in": 2, "price_out": 3, "max_calls": 30}
    generator = {"backend": "openai", "path": "writer", "api": api, "chats": {"rows": 41}}
    over = {
        "texts": "written", "settings": {"sft": {}}, "sft": {"seed_source": "generated"},
        "generator": generator, "rates": {"loading": 36, "read": 7, "sample": 5, **FULL_USE},
        "judge": {"backend": "local"},
    }  # fmt: skip
    table, text = plan_of(over)
    row = table.loc[("generate_seed_data", "")]
    assert (row["jobs"], row["written"]) == (1, 2 * 41)  # a message and a reply per row
    money = (row["written_tokens_in"] * 2 + row["written_tokens_out"] * 3) / 1e6
    assert row["api_cost"] == pytest.approx(money, rel=1e-3) and row["device_hours"] == 0
    assert "THE STUDY WOULD STOP: generator.api.max_calls is 30, and 82 is needed" in text
    here = {
        "backend": "local",
        "path": str(WORLD / "instruct"),
        "parameters": 3_000_000_000,
        "api": {"base_url": None},
    }
    table, text = plan_of(merged(over, {"generator": here}))
    row = table.loc[("generate_seed_data", "")]
    seconds = 36 + 3 * (row["written_tokens_in"] / 7 + row["written_tokens_out"] / 5)
    assert row["device_hours"] == pytest.approx(seconds / 3600, rel=1e-3) and row["api_cost"] == 0
    assert "generator: 3 billion parameters (from the config)" in text
    assert "generate_seed_data" not in plan_of({})[0].index


def test_the_plan_of_an_audit_says_what_it_does_not_count(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0.jsonl").write_text("{}")
    study = load({"settings": {"sft": {}}, "traits": ["lucky"], "judge": {"backend": "none"},
                  "audit": {"files": [{"path": "{cycle}.jsonl"}]}})  # fmt: skip
    table, text = estimate(study, {"read_replies": 1}, WORLD)
    assert table["jobs"].tolist() == [1, 1] and AUDITED in text
