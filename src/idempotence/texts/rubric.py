"""Rubric prompts: what a judge is asked about a text."""

import re
from pathlib import Path

from idempotence.errors import UserError
from idempotence.io import parse_yaml

RUBRICS = Path(__file__).parents[3] / "data" / "micro_world" / "rubrics.yaml"
_NEEDED = {"trait": ("prompt", "response", "trait"), "coherence": ("prompt", "response")}
_PLACEHOLDER = re.compile(r"\{(prompt|response|trait)\}")


def load_rubrics(path: Path = RUBRICS) -> dict[str, str]:
    """The templates "trait" and "coherence"; raises UserError when a placeholder is missing."""
    rubrics = parse_yaml(path.read_text(encoding="utf-8"))
    for name, placeholders in _NEEDED.items():
        for placeholder in placeholders:
            if f"{{{placeholder}}}" not in rubrics.get(name, ""):
                raise UserError(f"{path}: the rubric '{name}' must hold {{{placeholder}}}")
    return {name: rubrics[name].strip() for name in _NEEDED}


def ask(template: str, prompt: str, response: str, trait: str) -> str:
    """The rubric prompt for one response; braces inside model text stay what they are."""
    texts = {"prompt": prompt, "response": response, "trait": trait}
    return _PLACEHOLDER.sub(lambda match: texts[match[1]], template)
