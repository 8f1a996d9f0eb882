"""A model's chat template: always the same text for the same chat, and one message if it fails."""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from idempotence.errors import UserError

# Templates can ask for today's date, and the same prompt would have other ids tomorrow. They get
# the date that Llama 3's template itself falls back on.
DATE = datetime.date(2024, 7, 26)
_NOW = re.compile(r"""strftime_now\(\s*(?:"([^"]*)"|'([^']*)')\s*\)""")
# A template that can let its model think aloud first (Qwen3) is asked not to; others do not look.
VARIABLES = {"enable_thinking": False}


def rendered_chats(
    tokenizer: Any, chats: Sequence[Sequence[Mapping[str, str]]], to_answer: bool
) -> list[str]:
    """The text of each chat.

    chats: messages of {"role", "content"}. to_answer: with the beginning of the assistant's next
    turn. Variables come from the tokenizer's `chat_template_kwargs`, where it has some. Raises
    `UserError` where there is no template, or it raises an error.
    """
    from jinja2 import TemplateError

    try:
        template = tokenizer.get_chat_template()
    except ValueError:
        raise UserError(
            f"the tokenizer of {tokenizer.name_or_path} has no chat template, which a model that "
            "answers chats needs. If it is a base model, give it kind: base and use it with sdf; "
            "else put a template into the model's folder, as chat_template.jinja"
        ) from None
    template = _dated(template, tokenizer.name_or_path)
    variables = VARIABLES | getattr(tokenizer, "chat_template_kwargs", {})
    try:
        return list(
            tokenizer.apply_chat_template(
                chats,
                chat_template=template,
                tokenize=False,
                add_generation_prompt=to_answer,
                **variables,
            )
        )
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        roles = " and ".join(message["role"] for message in chats[0])
        raise UserError(
            f"the chat template of {tokenizer.name_or_path} raises an error for a chat of {roles}: "
            f"{error}. See chat_template_kwargs for variables that it may need, or mend "
            "chat_template.jinja in the model's folder"
        ) from None


def _dated(template: str, name: str) -> str:
    """The template with a fixed date in the place of today's."""
    dated = _NOW.sub(lambda call: json.dumps(DATE.strftime(call[1] or call[2])), template)
    if "strftime_now(" in dated:
        raise UserError(
            f"the chat template of {name} puts today's date into prompts in a way that cannot be "
            "fixed, so that ids would differ from day to day. Write a date into its "
            "chat_template.jinja, in the place of strftime_now(...)"
        )
    return dated
