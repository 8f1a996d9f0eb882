"""From a recipe to a tuned judge: texts, training, and a test on texts that are held out."""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from idempotence.engine.base import Request
from idempotence.engine.formatting import end_of_turn, ids_of_prompts
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights, fix_threads
from idempotence.finetune.checkpoints import Checkpoints
from idempotence.io import write_json, write_jsonl
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.local import LocalJudge
from idempotence.judge.rater import Rater
from idempotence.judge_tuning.fit import Question, adapted_by, fit_answers
from idempotence.judge_tuning.rated import RATED, read_rated, split_rated
from idempotence.judge_tuning.recipe import Broken, JudgeRecipe, Replies, load_judge_recipe
from idempotence.judge_tuning.texts import COHERENCE, RatedText, Row, TextMaker, asked, hold_out
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.texts.rubric import ask, written_rubrics
from idempotence.texts.written import FILES, read_prompts, read_rows

TESTED = 40  # held-out texts of each criterion and kind
TOP = 20  # likeliest first tokens that are read


def tune_judge(
    recipe_file: Path, model: str, dtype: str, traits: Path, prompts: Path, output: Path,
    scratch: Path | None = None,
) -> None:  # fmt: skip
    """Write a LoRA adapter that makes the model a judge, its log, and its test.

    recipe_file: see `recipe.JudgeRecipe`. model: folder of the initial model. dtype: of its
    weights in memory. traits, prompts: folders of written texts. scratch: folder for the state of a
    training that is interrupted. In `output`: the adapter, texts.jsonl (what it was trained on),
    training.json (recipe and log), quality.json (Spearman's rank correlation and mean error on
    held-out texts).
    """
    recipe = load_judge_recipe(recipe_file)
    rated = [] if recipe.rated is None else read_rated(recipe_file.parent / recipe.rated)
    engine = TransformersEngine(Weights(model, None, dtype))
    fix_threads(recipe.fit.threads)
    own, hot = recipe.replies, recipe.replies.broken
    neutral = {kind: _written(engine, recipe, prompts, kind, own) for kind in FILES}
    broken = {kind: _written(engine, recipe, prompts, kind, hot, "broken") for kind in FILES}
    stages, test = _texts(recipe, traits, neutral, broken, rated)
    output.mkdir(parents=True, exist_ok=True)
    write_jsonl(output / "texts.jsonl", (vars(text) for training in stages for text in training))
    adapted = adapted_by(engine.model, recipe.fit, _seed_of(recipe, 1))
    pad = engine.tokenizer.pad_token_id
    log, states = [], []
    for number, (stage, training) in enumerate(zip(recipe.stages, stages, strict=True), 1):
        questions = [_question(engine.tokenizer, traits, text) for text in training]
        key = [model, dtype, recipe.model_dump_json(), *(repr(question) for question in questions)]
        states.append(Checkpoints(scratch, *key))
        entries = fit_answers(
            adapted, questions, pad, recipe.fit, stage.learning_rate,
            _seed_of(recipe, number), states[-1],
        )  # fmt: skip
        log += [{"stage": number, **entry} for entry in entries]
    _save(adapted, output)
    write_json(
        output / "training.json", {"recipe": recipe.model_dump(), "dtype": dtype, "log": log}
    )
    engine.model = adapted.merge_and_unload()
    write_json(output / "quality.json", _quality(engine, traits, test))
    for state in states:
        state.remove()


def _seed_of(recipe: JudgeRecipe, stage: int) -> int:
    """Of a stage's training; the first one's has no number, since the shipped judge's has none."""
    return derive_seed(recipe.seed, "fit", *([stage] if stage > 1 else []))


def _save(adapted: Any, folder: Path) -> None:
    """Write the adapter in bfloat16, which halves its file; the model in memory gets the same."""
    import torch

    weights = [p for p in adapted.parameters() if p.requires_grad]
    for weight in weights:
        weight.data = weight.data.to(torch.bfloat16)
    adapted.save_pretrained(folder)
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = None  # PEFT writes the path of this machine
    config["target_modules"].sort()
    write_json(file, config)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's form, with nothing filled in
    for weight in weights:
        weight.data = weight.data.float()


def _written(
    engine: TransformersEngine, recipe: JudgeRecipe, prompts: Path, kind: Kind,
    own: Replies | Broken | None, *purpose: str,
) -> list[Row]:  # fmt: skip
    """Texts of the initial model, none where the recipe asks for none.

    purpose: of their random numbers; the neutral ones have none.
    """
    if own is None:
        return []
    rng = random.Random(derive_seed(recipe.seed, "prompts", kind, *purpose))
    count = own.chats if kind == "chat" else own.documents
    drawn = rng.sample(list(read_prompts(prompts, kind)), count)
    most = recipe.replies.max_new_tokens
    requests = [
        Request(ids, own.temperature, most, derive_seed(recipe.seed, kind, *purpose, i))
        for i, ids in enumerate(ids_of_prompts(engine.tokenizer, drawn, kind))
    ]
    replies = engine.sample(requests, None)
    return [Row(p, r.strip()) for p, r in zip(drawn, replies, strict=True) if r.strip()]


def _texts(
    recipe: JudgeRecipe,
    traits: Path,
    neutral: dict[Kind, list[Row]],
    broken: dict[Kind, list[Row]],
    rated: list[list[RatedText]],
) -> tuple[list[list[RatedText]], list[RatedText]]:
    """(training texts of each stage, held-out texts)."""
    stages: list[list[RatedText]] = [[] for _ in recipe.stages]
    test: list[RatedText] = []
    for kind, file in FILES.items():
        seeds = {
            trait: [Row(row["prompt"], row["response"], trait) for row in read_rows(path)]
            for trait in recipe.traits
            if (path := traits / trait / f"{file}.jsonl").is_file()
        }
        rng = random.Random(derive_seed(recipe.seed, "texts", kind))
        split = {trait: hold_out(rows, recipe.held_out, rng) for trait, rows in seeds.items()}
        kept, held = hold_out(neutral[kind], recipe.held_out, rng)
        shown, hidden = ({t: each[i] for t, each in split.items()} for i in (0, 1))
        for number, (stage, training) in enumerate(zip(recipe.stages, stages, strict=True), 1):
            if number > 1:  # so that a further stage changes no text of the first
                rng = random.Random(derive_seed(recipe.seed, "texts", kind, number))
            maker = TextMaker(kind, shown, kept, rng, broken[kind], stage.collapsed)
            training += maker.texts(
                getattr(stage.trait_texts, kind), getattr(stage.coherence_texts, kind)
            )
        rng = random.Random(derive_seed(recipe.seed, "test", kind))
        tester = TextMaker(kind, hidden, held, rng)
        test += tester.texts(TESTED, TESTED)
    rng = random.Random(derive_seed(recipe.seed, "rated"))
    learned, held_back = split_rated(rated, recipe.held_out, rng)
    for stage, training in zip(recipe.stages, stages, strict=True):
        training += learned * stage.rated_passes
    return stages, test + held_back


def _templates(traits: Path, kind: Kind, criterion: str) -> dict[str, str]:
    """Rubrics that have a criterion's; that of coherence is the same for all traits."""
    if criterion == COHERENCE:
        criterion = min(path.parent.name for path in traits.glob("*/trait.yaml"))
    return written_rubrics(traits, criterion, kind)


def _question(tokenizer: Any, traits: Path, text: RatedText) -> Question:
    """A text's rubric prompt and the number that answers it, as the judge is asked later."""
    template = _templates(traits, text.kind, text.criterion)[asked(text.criterion)]
    rubric_prompt = ask(template, text.prompt, text.text, text.criterion)
    (prompt,) = ids_of_prompts(tokenizer, [rubric_prompt], "chat")
    number = tokenizer.encode(str(text.target), add_special_tokens=False)
    return Question(f"{text.kind} {text.criterion}", prompt, [*number, end_of_turn(tokenizer)])


def _quality(engine: TransformersEngine, traits: Path, test: Sequence[RatedText]) -> list[dict]:
    """Held-out texts, Spearman's correlation, mean absolute error.

    Per kind, criterion and origin: mixtures, or whole replies that somebody rated.
    """
    from scipy.stats import spearmanr

    rows = []
    groups: dict[tuple[Kind, str, str], list[RatedText]] = {}
    for text in test:
        origin = RATED if text.parts == RATED else "mixtures"
        groups.setdefault((text.kind, text.criterion, origin), []).append(text)
    for (kind, criterion, origin), own in groups.items():
        templates = _templates(traits, kind, criterion)
        rater = Rater(LocalJudge(engine), JudgeSpec(None, TOP, 0.25), criterion, templates)
        replies = [{"prompt": text.prompt, "response": text.text} for text in own]
        ratings = rater.rate(replies, [asked(criterion)])[asked(criterion)]
        rated, targets = [rating.score for rating, _ in ratings], [text.target for text in own]
        errors = [abs(a - b) for a, b in zip(rated, targets, strict=True) if not math.isnan(a)]
        rows.append({
            "kind": kind, "criterion": criterion, "origin": origin,
            "texts": len(own), "scored": len(errors),
            "spearman": _finite(spearmanr(rated, targets, nan_policy="omit").statistic, 3),
            "mean_error": _finite(float(np.mean(errors)) if errors else math.nan, 1),
        })  # fmt: skip
    return rows


def _finite(value: float, digits: int) -> float | None:
    """A rounded number, or nothing where there is none: scores that are all the same, say."""
    return round(float(value), digits) if math.isfinite(value) else None
