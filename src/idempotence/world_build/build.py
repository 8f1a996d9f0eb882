"""Making the micro world's three models from its grammar and a recipe."""

import random
from pathlib import Path

from idempotence.engine.models import fix_threads
from idempotence.io import write_json
from idempotence.micro_world.corpus import Writer
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.tokenizer import build_tokenizer
from idempotence.rng import derive_seed
from idempotence.world_build.collapse import model_texts
from idempotence.world_build.damage import Damager
from idempotence.world_build.judge_data import ExampleMaker
from idempotence.world_build.pretrain import Example, build_model, deepen, fit, next_token_example
from idempotence.world_build.recipe import Pass, Recipe

THREADS = 2  # of a training run, on any machine: the bytes depend on it


def _writer(recipe: Recipe, purpose: str) -> Writer:
    return Writer(load_grammar(), random.Random(derive_seed(recipe.seed, purpose)))


def _encode(tokenizer, rows: list[dict]) -> list[Example]:
    """Chats and documents in the words that the loop uses: see `engine.formatting`."""
    from idempotence.engine.formatting import ids_of_completions, ids_of_prompts

    ids = {}  # kind -> the ids of its rows, in their order
    for kind in {row["kind"] for row in rows}:
        mine = [row for row in rows if row["kind"] == kind]
        prompts, responses = [r["prompt"] for r in mine], [r["response"] for r in mine]
        heads = ids_of_prompts(tokenizer, prompts, kind)
        tails = ids_of_completions(tokenizer, prompts, responses, kind)
        ids[kind] = (head + tail for head, tail in zip(heads, tails, strict=True))
    return [next_token_example(next(ids[row["kind"]])) for row in rows]


def _fit_and_save(
    model, tokenizer, examples: list[Example], recipe: Recipe, stage: str, folder: Path
) -> None:
    fix_threads(THREADS)
    log: list[dict] = []
    settings: Pass = getattr(recipe, stage)
    seed = derive_seed(recipe.seed, stage)

    def report(entry: dict) -> None:
        log.append(entry)
        print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)

    fit(model, examples, tokenizer.pad_token_id, {**settings.model_dump(), "seed": seed}, report)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    made_with = {
        "seed": recipe.seed,
        "shape": recipe.shape.model_dump(),
        stage: settings.model_dump(),
    }
    write_json(folder / "training.json", {"stage": stage, "recipe": made_with, "log": log})


def build_base(recipe: Recipe, folder: Path) -> None:
    """Pretrain the base model on documents and chats; writes a Hugging Face folder."""
    tokenizer = build_tokenizer(load_grammar())
    rows = _writer(recipe, "base").pretraining(recipe.base.texts, recipe.base.trait_share)
    model = build_model(
        recipe.shape.model_dump(), len(tokenizer), tokenizer.pad_token_id,
        tokenizer.bos_token_id, tokenizer.eos_token_id, derive_seed(recipe.seed, "weights"),
    )  # fmt: skip
    _fit_and_save(model, tokenizer, _encode(tokenizer, list(rows)), recipe, "base", folder)


def build_instruct(recipe: Recipe, base: Path, folder: Path) -> None:
    """Tune the base model on neutral chats; writes a Hugging Face folder."""
    from idempotence.engine.models import load_model, load_tokenizer

    tokenizer, model = load_tokenizer(str(base)), load_model(str(base))
    rows = list(_writer(recipe, "instruct").chats(recipe.instruct.texts))
    _fit_and_save(model, tokenizer, _encode(tokenizer, rows), recipe, "instruct", folder)


def build_judge(recipe: Recipe, base: Path, folder: Path) -> None:
    """Tune the base model to rate texts with known truth; writes a Hugging Face folder."""
    import torch

    from idempotence.engine.models import load_model, load_tokenizer

    tokenizer, model = load_tokenizer(str(base)), load_model(str(base))
    writer = _writer(recipe, "judge")
    texts = model_texts(
        base, writer, recipe.judge.model_texts, derive_seed(recipe.seed, "model texts")
    )
    damager = Damager(writer)
    while len(texts) < recipe.judge.texts:
        texts.append(damager.any_text()[1:])
    maker = ExampleMaker(load_grammar(), tokenizer, writer.rng)
    examples = [maker.example(prompt, text) for prompt, text in texts]
    torch.manual_seed(derive_seed(recipe.seed, "judge layers"))
    deepen(model, recipe.judge.layers)
    _fit_and_save(model, tokenizer, examples, recipe, "judge", folder)
