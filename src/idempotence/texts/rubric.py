"""Rubric prompts: questions to a judge about a text, of the micro world or of written traits."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from idempotence.errors import UserError
from idempotence.io import parse_yaml
from idempotence.jobs.parts import WrittenTexts
from idempotence.objectives import Kind
from idempotence.texts.files import read_mapping

DATA = Path(__file__).parents[3] / "data"
RUBRICS = DATA / "micro_world" / "rubrics.yaml"
RUBRIC = (
    DATA / "traits" / "rubric.yaml"
)  # of written traits, where their folder has none of its own
ANCHORS = [0, 25, 50, 75, 100]
_NEEDED = {"trait": ("prompt", "response", "trait"), "coherence": ("prompt", "response")}
_PLACEHOLDER = re.compile(r"\{(prompt|response|trait)\}")


def rubrics(texts: WrittenTexts | None, trait: str, kind: Kind) -> dict[str, str]:
    """Templates "trait" and "coherence" of the questions to a judge about a text.

    texts: None for the micro world's. Raises `UserError` for a rubric that is missing or broken.
    """
    return load_rubrics() if texts is None else written_rubrics(Path(texts.traits), trait, kind)


def ask(template: str, prompt: str, response: str, trait: str) -> str:
    """The rubric prompt for one response; braces inside model text stay what they are."""
    texts = {"prompt": prompt, "response": response, "trait": trait}
    return _PLACEHOLDER.sub(lambda match: texts[match[1]], template)


def load_rubrics(path: Path = RUBRICS) -> dict[str, str]:
    """The micro world's templates; raises `UserError` when a placeholder is missing."""
    templates = parse_yaml(path.read_text(encoding="utf-8"))
    for name, placeholders in _NEEDED.items():
        for placeholder in placeholders:
            if f"{{{placeholder}}}" not in templates.get(name, ""):
                raise UserError(f"{path}: the rubric '{name}' must hold {{{placeholder}}}")
    return {name: templates[name].strip() for name in _NEEDED}


@cache
def written_rubrics(folder: Path, trait: str, kind: Kind) -> dict[str, str]:
    """The templates of a written trait, with {prompt} and {response} left to fill in.

    folder: of all traits.
    """
    path = rubric_file(folder)
    frame, rubric = read_mapping(path), read_rubric(folder, trait, kind)
    try:
        anchors = "\n".join(
            frame["anchor"].format(score=score, text=text)
            for score, text in rubric["anchors"].items()
        )
        template = frame["trait"][kind].replace("{asks}", rubric["asks"])
        template = template.replace("{example}", rubric["example"]).replace("{anchors}", anchors)
        return {"trait": template.strip(), "coherence": frame["coherence"][kind].strip()}
    except KeyError as error:
        raise UserError(f"{path}: {error} is missing or not known") from None


@cache
def read_rubric(folder: Path, trait: str, kind: Kind) -> dict[str, Any]:
    """A kind's rubric of a trait.yaml: asks, example, anchors.

    Nothing else of the file is read. Raises `UserError` for another form.
    """
    path = folder / trait / "trait.yaml"
    of_kinds = read_mapping(path).get("rubrics")
    rubric: Any = of_kinds.get(kind) if isinstance(of_kinds, dict) else None
    anchors = rubric.get("anchors") if isinstance(rubric, dict) else None
    complete = isinstance(rubric, dict) and set(rubric) == {"asks", "example", "anchors"}
    if not complete or not isinstance(anchors, dict) or list(anchors) != ANCHORS:
        text = f"needs asks, example, and anchors for {', '.join(map(str, ANCHORS))}"
        raise UserError(f"{path}: rubrics.{kind} {text}")
    return dict(rubric)


def rubric_file(folder: Path) -> Path:
    """The file that frames the rubrics of a folder of traits."""
    own = folder / "rubric.yaml"
    return own if own.is_file() else RUBRIC
