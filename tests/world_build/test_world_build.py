"""A small world built whole, twice: the same bytes, loadable files, a table of quality."""

import math
from pathlib import Path

import pytest
import yaml
from run_script import run_script

from idempotence.errors import UserError
from idempotence.io import read_json
from idempotence.micro_world.grammar import GRAMMAR_FOLDER, load_grammar
from idempotence.micro_world.tokenizer import build_tokenizer
from idempotence.world_build.compare import compare_worlds, in_words
from idempotence.world_build.pretrain import IGNORED, Example, build_model, fit
from idempotence.world_build.recipe import Pass, Shape, load_recipe

RECIPE = GRAMMAR_FOLDER.parent / "recipe.yaml"


def small_recipe(path: Path) -> Path:
    """The shipped recipe with little of everything."""
    recipe = yaml.safe_load(RECIPE.read_text())
    recipe["shape"] |= {"hidden_size": 32, "intermediate_size": 64, "heads": 2}
    for stage in ("base", "instruct", "judge"):
        recipe[stage] |= {"texts": 400, "tokens_per_batch": 1024, "warmup_steps": 2}
    recipe["judge"]["model_texts"] = 64
    recipe["quality"] = {"prompts": 6, "samples": 2, "judged": 60, "collapsed": 64}
    path.write_text(yaml.safe_dump(recipe))
    return path


def build(recipe: Path, world: Path) -> None:
    common = ["--recipe", recipe]
    assert run_script("build_base", *common, "--output", world / "base") == 0
    for name in ("instruct", "judge"):
        folders = ["--base", world / "base", "--output", world / name]
        assert run_script(f"build_{name}", *common, *folders) == 0
    files = ["--world", world, "--output", world / "quality.json"]
    assert run_script("check_world", *common, *files) == 0


def test_a_batch_without_targets_of_one_kind_leaves_the_weights_finite():
    """A batch of empty texts has nothing for the inner layers to learn."""
    torch = pytest.importorskip("torch")
    shape = Shape(hidden_size=16, intermediate_size=16, layers=2, heads=2)
    model = build_model(shape, build_tokenizer(load_grammar()), seed=1)
    before = model.lm_head.weight.detach().clone()
    example = Example([1, 4, 5], [IGNORED, IGNORED, 7], {1: [IGNORED] * 3})
    settings = Pass(
        texts=4, learning_rate=1e-2, warmup_steps=1, tokens_per_batch=256, weight_decay=0.0
    )
    log = []
    fit(model, [example] * 4, 0, settings, 1, log.append)
    assert math.isfinite(log[-1]["loss"])
    assert all(torch.isfinite(weight).all() for weight in model.parameters())
    assert not torch.equal(before, model.lm_head.weight)
    with torch.no_grad():
        model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(UserError, match="training broke before step 1: the loss is nan"):
        fit(model, [example] * 4, 0, settings, 1, log.append)


@pytest.mark.slow
def test_a_small_world_is_built_whole_and_again_with_the_same_bytes(tmp_path):
    recipe = small_recipe(tmp_path / "recipe.yaml")
    for name in ("one", "two"):
        build(recipe, tmp_path / name)
    report = compare_worlds(tmp_path / "one", tmp_path / "two")
    assert report["agree"], in_words(report)
    quality = read_json(tmp_path / "one" / "quality.json")
    assert not quality["passed"], "a model trained for a second cannot meet the bars"
    assert quality["judge"][0]["texts"] == "all" and quality["judge"][0]["n"] == 60 + 64
    from transformers import AutoModelForCausalLM, AutoTokenizer

    for name in ("base", "instruct", "judge"):
        AutoModelForCausalLM.from_pretrained(tmp_path / "one" / name)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / "one" / name)
        assert tokenizer.encode("0 50 100", add_special_tokens=False) == [6, 56, 106]
    training = read_json(tmp_path / "one" / "judge" / "training.json")
    assert list(training) == ["stage", "recipe", "log"] and len(training["log"]) >= 1
    assert list(training["recipe"]) == ["seed", "shape", "judge"]


def test_worlds_that_differ_are_told_apart(tmp_path):
    import numpy as np
    from safetensors.numpy import save_file

    for world, value in (("one", 1.0), ("two", 1.5)):
        for name in ("base", "instruct", "judge"):
            (tmp_path / world / name).mkdir(parents=True)
            weights = {"w": np.full(3, 1.0 if name == "base" else value)}
            save_file(weights, tmp_path / world / name / "model.safetensors")
    report = compare_worlds(tmp_path / "one", tmp_path / "two")
    assert not report["agree"]
    assert report["models"]["base"]["agree"]
    assert report["models"]["judge"]["largest_difference"] == 0.5
    assert "largest difference of a weight 0.5" in in_words(report)
    with pytest.raises(UserError, match="nothing to compare"):
        compare_worlds(tmp_path / "one", tmp_path / "none")


def test_a_mistake_in_a_recipe_names_file_and_key(tmp_path):
    recipe = yaml.safe_load(RECIPE.read_text())
    recipe["base"]["text"] = 3
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(UserError, match=r"r.yaml: base.text"):
        load_recipe(tmp_path / "r.yaml")
