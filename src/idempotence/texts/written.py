"""Written texts: a folder for each trait, and files of neutral prompts.

<traits>/<trait>/trait.yaml        description, rubrics, questions, openings
<traits>/<trait>/chats.jsonl       seed rows of sft and dpo: {"prompt", "response"} a line
<traits>/<trait>/documents.jsonl   seed rows of sdf
<traits>/rubric.yaml               how a judge is asked; where there is none, the project's own
<prompts>/chats.txt                neutral prompts, one a line
<prompts>/documents.txt            neutral openers of documents, one a line
"""

import json
import random
from functools import cache
from pathlib import Path

import yaml

from idempotence.config.supply import Supply
from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.rng import derive_seed
from idempotence.texts.generation import combinations

FILES = {"chat": "chats", "document": "documents"}
QUESTIONS = {"chat": "questions", "document": "openings"}
ANCHORS = [0, 25, 50, 75, 100]
RUBRIC = Path(__file__).parents[3] / "data" / "traits" / "rubric.yaml"


class Written:
    """`PanelTexts` of written files; seeds differ in which seed rows and prompts come first."""

    def __init__(self, settings: dict, kind: str):
        self.settings, self.kind = settings, kind
        self.traits, self.prompts = (Path(settings["texts"][k]) for k in ("traits", "prompts"))

    def evaluation(self) -> list[str]:
        trait = read_trait(self.traits, self.settings["trait"])
        return trait[QUESTIONS[self.kind]][: self.settings["questions"]]

    def seed_rows(self) -> list[dict]:
        s, files = self.settings, f"{FILES[self.kind]}.jsonl"
        generated = s["texts"].get("seed_rows")
        rows = read_rows(Path(generated) if generated else self.traits / s["trait"] / files)
        return self._shuffled(rows, "seed rows")[: self.settings["seed_rows"]]

    def for_cycle(self, cycle: int) -> list[str]:
        per_cycle = self.settings["per_cycle"]
        prompts = self._shuffled(read_prompts(self.prompts, self.kind), "prompts")
        return prompts[(cycle - 1) * per_cycle : cycle * per_cycle]

    def _shuffled(self, items: tuple, purpose: str) -> list:
        s = self.settings
        seed = derive_seed(s["study_seed"], self.kind, s["trait"], s["seed"], purpose)
        return random.Random(seed).sample(items, len(items))


@cache
def read_trait(folder: Path, trait: str) -> dict:
    """A trait's trait.yaml; raises UserError where a part is missing or of another form."""
    path = folder / trait / "trait.yaml"
    told = _yaml(path)
    for key in ("description", "rubrics", *QUESTIONS.values()):
        if not told.get(key):
            raise UserError(f"{path}: the key {key} is missing or empty")
    for key in QUESTIONS.values():
        texts = told[key]
        if not isinstance(texts, list) or not all(isinstance(t, str) and t for t in texts):
            raise UserError(f"{path}: {key} must be a list of texts (put quotes around them)")
        if len(set(texts)) < len(texts):
            raise UserError(f"{path}: {key} has a text twice")
    for kind in FILES:
        read_rubric(folder, trait, kind)
    return told


@cache
def read_rubric(folder: Path, trait: str, kind: str) -> dict:
    """A kind's rubric of a trait.yaml, which need hold no more; raises UserError for another form."""
    path = folder / trait / "trait.yaml"
    told = _yaml(path).get("rubrics")
    rubric = told.get(kind) if isinstance(told, dict) else None
    good = isinstance(rubric, dict) and set(rubric) == {"asks", "example", "anchors"}
    if not good or not isinstance(rubric["anchors"], dict) or list(rubric["anchors"]) != ANCHORS:
        text = f"needs asks, example, and anchors for {', '.join(map(str, ANCHORS))}"
        raise UserError(f"{path}: rubrics.{kind} {text}")
    return rubric


@cache
def read_rows(path: Path) -> tuple[dict, ...]:
    """Seed rows; raises UserError with the line of one that is no {"prompt", "response"}."""
    rows = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        try:
            row = json.loads(line)
            good = all(isinstance(row[key], str) and row[key].strip() for key in row)
            if set(row) != {"prompt", "response"} or not good:
                raise ValueError("it must hold the texts prompt and response, and nothing else")
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a seed row ({error})") from None
        rows.append(row)
    return tuple(rows)


@cache
def read_prompts(folder: Path, kind: str) -> tuple[str, ...]:
    """Neutral prompts; raises UserError for one that comes twice."""
    path = folder / f"{FILES[kind]}.txt"
    seen: dict[str, int] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip() and seen.setdefault(line.strip(), number) != number:
            raise UserError(f"{path}, line {number}: the same as line {seen[line.strip()]}")
    return tuple(seen)


@cache
def rubrics(folder: Path, trait: str, kind: str) -> dict[str, str]:
    """The templates "trait" and "coherence", with {prompt} and {response} left to fill in."""
    path = _asking(folder)
    told, rubric = _yaml(path), read_rubric(folder, trait, kind)
    try:
        anchors = "\n".join(
            told["anchor"].format(score=score, text=text)
            for score, text in rubric["anchors"].items()
        )
        asked = told["trait"][kind].replace("{asks}", rubric["asks"])
        asked = asked.replace("{example}", rubric["example"]).replace("{anchors}", anchors)
        return {"trait": asked.strip(), "coherence": told["coherence"][kind].strip()}
    except KeyError as error:
        raise UserError(f"{path}: {error} is missing or not known") from None


def _asking(folder: Path) -> Path:
    """How a judge is asked."""
    own = folder / "rubric.yaml"
    return own if own.is_file() else RUBRIC


def names(folder: Path) -> list[str]:
    """The traits of a folder."""
    return sorted(path.parent.name for path in folder.glob("*/trait.yaml"))


def supply(traits: Path, prompts: Path) -> Supply:
    """What the folders hold; files that are absent count as empty, broken ones raise UserError."""
    there = names(traits)
    return Supply(
        there,
        {k: len(read_prompts(prompts, k)) if (prompts / f"{f}.txt").is_file() else 0
         for k, f in FILES.items()},
        {kind: {n: len(read_trait(traits, n)[key]) for n in there} for kind, key in QUESTIONS.items()},
        {k: {n: len(read_rows(path)) if (path := traits / n / f"{f}.jsonl").is_file() else 0
             for n in there} for k, f in FILES.items()},
        {kind: len(combinations(kind)) for kind in FILES},
    )  # fmt: skip


def data_files(traits: Path, prompts: Path, trait: str) -> list[Path]:
    """The files of a trait, the rubric and the prompts."""
    files = [_asking(traits), *traits.glob(f"{trait}/*"), *prompts.glob("*.txt")]
    return sorted(path for path in files if path.is_file())


def _yaml(path: Path) -> dict:
    try:
        told = parse_yaml(_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(told, dict):
        raise UserError(f"{path} must hold keys and values")
    return told


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
