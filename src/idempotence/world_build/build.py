"""Making the micro world's three models from its grammar and a recipe."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from idempotence.engine.formatting import ids_of_rows
from idempotence.engine.models import Weights, fix_threads, load_model, load_tokenizer
from idempotence.io import write_json
from idempotence.micro_world.corpus import Writer
from idempotence.micro_world.grammar import load_grammar
from idempotence.micro_world.tokenizer import build_tokenizer
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.world_build.collapse import model_texts
from idempotence.world_build.damage import Damager
from idempotence.world_build.judge_data import ExampleMaker
from idempotence.world_build.pretrain import Example, build_model, deepen, fit, next_token_example
from idempotence.world_build.recipe import Pass, Recipe

THREADS = 2  # of a training run, on any machine: the bytes depend on it
Stage = Literal["base", "instruct", "judge"]


def build_base(recipe: Recipe, folder: Path) -> None:
    """Pretrain the base model on documents and chats; writes a Hugging Face folder."""
    tokenizer = build_tokenizer(load_grammar())
    rows = _writer(recipe, "base").pretraining(recipe.base.texts, recipe.base.trait_share)
    model = build_model(recipe.shape, tokenizer, derive_seed(recipe.seed, "weights"))
    examples = _examples(tokenizer, list(rows))
    _fit_and_save(model, tokenizer, examples, recipe, "base", folder)


def build_instruct(recipe: Recipe, base: Path, folder: Path) -> None:
    """Tune the base model on neutral chats; writes a Hugging Face folder.

    base: folder of the base model.
    """
    tokenizer, model = _load(base)
    rows = list(_writer(recipe, "instruct").chats(recipe.instruct.texts))
    _fit_and_save(model, tokenizer, _examples(tokenizer, rows), recipe, "instruct", folder)


def build_judge(recipe: Recipe, base: Path, folder: Path) -> None:
    """Tune the base model to rate texts with known truth; writes a Hugging Face folder.

    base: folder of the base model.
    """
    import torch

    tokenizer, model = _load(base)
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


def _writer(recipe: Recipe, purpose: str) -> Writer:
    return Writer(load_grammar(), random.Random(derive_seed(recipe.seed, purpose)))


def _load(folder: Path) -> tuple[Any, Any]:
    """(tokenizer, model) of a folder."""
    weights = Weights(str(folder))
    return load_tokenizer(weights), load_model(weights)


def _examples(tokenizer: Any, rows: list[dict[str, Any]]) -> list[Example]:
    """Chats and documents as token ids, formatted as the loop formats them.

    rows: {"kind", "prompt", "response"}.
    """
    ids = {kind: _ids(tokenizer, rows, kind) for kind in {row["kind"] for row in rows}}
    return [next_token_example(next(ids[row["kind"]])) for row in rows]


def _ids(tokenizer: Any, rows: list[dict[str, Any]], kind: Kind) -> Iterator[list[int]]:
    """The ids of the rows of one kind, in their order."""
    of_kind = [row for row in rows if row["kind"] == kind]
    prompts, replies = [r["prompt"] for r in of_kind], [r["response"] for r in of_kind]
    heads, (tails,) = ids_of_rows(tokenizer, prompts, [replies], kind)
    return (head + tail for head, tail in zip(heads, tails, strict=True))


def _fit_and_save(
    model: Any,
    tokenizer: Any,
    examples: list[Example],
    recipe: Recipe,
    stage: Stage,
    folder: Path,
) -> None:
    """Train, then write the model, its tokenizer, and training.json with the recipe and the log."""
    fix_threads(THREADS)
    log: list[dict[str, float]] = []
    settings: Pass = getattr(recipe, stage)

    def report(entry: dict[str, float]) -> None:
        log.append(entry)
        print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)

    pad = tokenizer.pad_token_id
    fit(model, examples, pad, settings, derive_seed(recipe.seed, stage), report)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = pad
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    own = {"seed": recipe.seed, "shape": recipe.shape.model_dump(), stage: settings.model_dump()}
    write_json(folder / "training.json", {"stage": stage, "recipe": own, "log": log})
