"""From a recipe to a tuned judge: texts, training, and a test on texts that are held out."""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from idempotence.engine.base import Request
from idempotence.engine.formatting import end_of_turn, ids_of_prompts
from idempotence.engine.hf import TransformersEngine
from idempotence.engine.models import Weights
from idempotence.io import write_json, write_jsonl
from idempotence.jobs.parts import JudgeSpec
from idempotence.judge.local import LocalJudge
from idempotence.judge.rater import Rater
from idempotence.judge_tuning.fit import Question, fit_answers
from idempotence.judge_tuning.recipe import JudgeRecipe
from idempotence.judge_tuning.texts import COHERENCE, RatedText, Row, TextMaker
from idempotence.objectives import Kind
from idempotence.rng import derive_seed
from idempotence.texts.rubric import ask, written_rubrics
from idempotence.texts.written import FILES, read_prompts, read_rows

TESTED = 40  # held-out texts of each criterion and kind
TOP = 20  # likeliest first tokens that are read
Rated = tuple[Kind, RatedText]


def tune_judge(
    recipe: JudgeRecipe, model: str, dtype: str, traits: Path, prompts: Path, output: Path
) -> None:
    """Write a LoRA adapter that makes the model a judge, its log, and its test.

    model: folder of the initial model. dtype: of its weights in memory. traits, prompts: folders
    of written texts. In `output`: the adapter, texts.jsonl (what it was trained on), training.json
    (recipe and log), quality.json (Spearman's rank correlation and mean error on held-out texts).
    """
    engine = TransformersEngine(Weights(model, None, dtype))
    neutral = {kind: _neutral(engine, recipe, prompts, kind) for kind in FILES}
    training, test = _texts(recipe, traits, neutral)
    output.mkdir(parents=True, exist_ok=True)
    write_jsonl(output / "texts.jsonl", ({"kind": k, **vars(text)} for k, text in training))
    log: list[dict[str, float]] = []

    def report(entry: dict[str, float]) -> None:
        log.append(entry)
        print(" ".join(f"{key} {value}" for key, value in entry.items()), flush=True)

    questions = [_question(engine.tokenizer, traits, *text) for text in training]
    seed = derive_seed(recipe.seed, "fit")
    pad = engine.tokenizer.pad_token_id
    adapted = fit_answers(engine.model, questions, pad, recipe.fit, seed, report)
    _save(adapted, output)
    write_json(
        output / "training.json", {"recipe": recipe.model_dump(), "dtype": dtype, "log": log}
    )
    engine.model = adapted.merge_and_unload()
    write_json(output / "quality.json", _quality(engine, traits, test))


def _save(adapted: Any, folder: Path) -> None:
    """Write the adapter in bfloat16, which halves its file; the model in memory gets the same."""
    import torch

    weights = [p for p in adapted.parameters() if p.requires_grad]
    for weight in weights:
        weight.data = weight.data.to(torch.bfloat16)
    for config in adapted.peft_config.values():
        config.base_model_name_or_path = None  # a path of this machine
    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's form, with nothing filled in
    for weight in weights:
        weight.data = weight.data.float()


def _neutral(
    engine: TransformersEngine, recipe: JudgeRecipe, prompts: Path, kind: Kind
) -> list[Row]:
    """What the initial model writes without any trait."""
    own = recipe.replies
    rng = random.Random(derive_seed(recipe.seed, "prompts", kind))
    count = own.chats if kind == "chat" else own.documents
    drawn = rng.sample(list(read_prompts(prompts, kind)), count)
    requests = [
        Request(ids, own.temperature, own.max_new_tokens, derive_seed(recipe.seed, kind, i))
        for i, ids in enumerate(ids_of_prompts(engine.tokenizer, drawn, kind))
    ]
    replies = engine.sample(requests, None)
    return [Row(p, r.strip()) for p, r in zip(drawn, replies, strict=True) if r.strip()]


def _texts(
    recipe: JudgeRecipe, traits: Path, neutral: dict[Kind, list[Row]]
) -> tuple[list[Rated], list[Rated]]:
    """(training texts, held-out texts), each with its kind."""
    training: list[Rated] = []
    test: list[Rated] = []
    for kind, file in FILES.items():
        seeds = {
            trait: [Row(row["prompt"], row["response"], trait) for row in read_rows(path)]
            for trait in recipe.traits
            if (path := traits / trait / f"{file}.jsonl").is_file()
        }
        rng = random.Random(derive_seed(recipe.seed, "texts", kind))
        split = {trait: _split(rows, recipe.held_out, rng) for trait, rows in seeds.items()}
        kept, held = _split(neutral[kind], recipe.held_out, rng)
        maker = TextMaker({t: rows for t, (rows, _) in split.items()}, kept, rng)
        tester = TextMaker({t: rows for t, (_, rows) in split.items()}, held, rng)
        counts = getattr(recipe.trait_texts, kind), getattr(recipe.coherence_texts, kind)
        for made, into, (of_trait, coherence) in [
            (maker, training, counts), (tester, test, (TESTED, TESTED))
        ]:  # fmt: skip
            into += [(kind, made.trait_text(trait)) for trait in seeds for _ in range(of_trait)]
            into += [(kind, made.coherence_text()) for _ in range(coherence)]
    return training, test


def _split(rows: Sequence[Row], share: float, rng: random.Random) -> tuple[list[Row], list[Row]]:
    shuffled = rng.sample(list(rows), len(rows))
    held = max(1, round(share * len(rows)))
    return shuffled[held:], shuffled[:held]


def _question(tokenizer: Any, traits: Path, kind: Kind, text: RatedText) -> Question:
    """A text's rubric prompt and the number that answers it, as the judge is asked later."""
    trait = traits_rubric = text.criterion
    if text.criterion == COHERENCE:
        traits_rubric = next(path.parent.name for path in sorted(traits.glob("*/trait.yaml")))
    templates = written_rubrics(traits, traits_rubric, kind)
    template = templates[COHERENCE if text.criterion == COHERENCE else "trait"]
    (prompt,) = ids_of_prompts(tokenizer, [ask(template, text.prompt, text.text, trait)], "chat")
    number = tokenizer.encode(str(text.target), add_special_tokens=False)
    return Question(f"{kind} {text.criterion}", prompt, [*number, end_of_turn(tokenizer)])


def _quality(engine: TransformersEngine, traits: Path, test: Sequence[Rated]) -> list[dict]:
    """Per kind and criterion: held-out texts, Spearman's correlation, mean absolute error."""
    from scipy.stats import spearmanr

    rows = []
    for kind, criterion in dict.fromkeys((kind, text.criterion) for kind, text in test):
        own = [text for k, text in test if (k, text.criterion) == (kind, criterion)]
        rated = _rated(engine, traits, kind, criterion, own)
        targets = [text.target for text in own]
        errors = [abs(a - b) for a, b in zip(rated, targets, strict=True) if not math.isnan(a)]
        rows.append({
            "kind": kind, "criterion": criterion, "texts": len(own), "scored": len(errors),
            "spearman": _finite(spearmanr(rated, targets, nan_policy="omit").statistic, 3),
            "mean_error": _finite(float(np.mean(errors)) if errors else math.nan, 1),
        })  # fmt: skip
    return rows


def _finite(value: float, digits: int) -> float | None:
    """A rounded number, or nothing where there is none: scores that are all the same, say."""
    return round(float(value), digits) if math.isfinite(value) else None


def _rated(
    engine: TransformersEngine, traits: Path, kind: Kind, criterion: str, texts: list[RatedText]
) -> list[float]:
    names = sorted(path.parent.name for path in traits.glob("*/trait.yaml"))
    trait = names[0] if criterion == COHERENCE else criterion
    asked = COHERENCE if criterion == COHERENCE else "trait"
    spec = JudgeSpec(None, TOP, 0.25)
    rater = Rater(LocalJudge(engine), spec, trait, written_rubrics(traits, trait, kind))
    rows = [{"prompt": text.prompt, "response": text.text} for text in texts]
    return [rating.score for rating, _ in rater.rate(rows, [asked])[asked]]
