"""Mistakes in where models are: folders, hub names with revisions, endpoints."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from idempotence.config.checks.known import Key, Known, Mistakes, Unclear, as_far_as_clear, nearest
from idempotence.config.packages import name_in_package

HUB_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
API_TOP = 20
START_MODELS = ["world/instruct", "world/base"]


def models(known: Known) -> Mistakes:
    """Models to start from: each has a name of its own and a place."""
    seen: set[str] = set()
    for key, name in known.each("models", field="name"):
        if name in seen:
            yield key, f"{name!r} is the name of another model too; give each its own"
        seen.add(name)
    for i in range(known.size("models")):
        yield from as_far_as_clear(place(known, ("models", i), START_MODELS))
        yield from as_far_as_clear(_template(known, i))


def _template(known: Known, i: int) -> Mistakes:
    """A base model reads documents, which no template renders."""
    key = ("models", i, "chat_template_kwargs")
    if known(*key) and known("models", i, "kind") == "base":
        yield key, "is not allowed: a base model reads documents, without a chat template"


def judges(known: Known) -> Mistakes:
    """The judge and, where there is one, the second judge."""
    for role in _judges(known):
        yield from as_far_as_clear(_judge(known, role))


def _judges(known: Known) -> Iterator[str]:
    """The sections that name a judge."""
    yield "judge"
    try:
        if known("second_judge") is not None:
            yield "second_judge"
    except Unclear:
        return


def _judge(known: Known, role: str) -> Mistakes:
    """A model here, or one behind an endpoint, which gives at most `API_TOP` tokens."""
    yield from as_far_as_clear(answering(known, role, ["world/judge"]))
    remote, top = known(role, "backend") == "openai", known(role, "top_logprobs")
    if remote and top > API_TOP:
        yield (role, "top_logprobs"), f"endpoints give at most {API_TOP} tokens"
    if not remote and top == 0:
        yield (role, "top_logprobs"), "0 is not allowed: a local judge is read by its tokens alone"


def answering(known: Known, role: str, world: list[str]) -> Mistakes:
    """A model that answers: a place on this machine, or a name and an address; or none."""
    try:
        local = known(role, "backend") == "local"
    except Unclear:
        local = True
    if local:
        yield from place(known, (role,), world)
    key = (role, "api", "base_url")
    remote, address = known(role, "backend") == "openai", known(*key)
    if remote and address is None:
        yield key, "is missing: backend openai needs the address of its endpoint"
    if remote and address is not None and (wrong := _wrong_address(address)):
        yield key, wrong
    if not remote and address is not None:
        yield key, f"is not allowed: only {role}.backend openai has an endpoint"
    if remote and known(role, "revision") is not None:
        yield (role, "revision"), "is not allowed: a model behind an endpoint has no commit"
    if remote and known(role, "chat_template_kwargs"):
        text = "is not allowed: a model behind an endpoint has its template there"
        yield (role, "chat_template_kwargs"), text
    if remote and known(role, "gpus"):
        yield (role, "gpus"), "is not allowed: a model behind an endpoint takes no GPU here"


def _wrong_address(address: str) -> str:
    """What is wrong with an endpoint's address, which may hold a password and is not shown."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return "is not an address, as https://host/v1"
    if "@" in parts.netloc:
        return (
            "holds a user's name or password, which would stand in files and logs: leave out what "
            "is before the @, and put the key into the environment variable of key_env"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or not address.isprintable():
        return "is not an address, as https://host/v1"
    return ""


def place(known: Known, section: Key, world: list[str]) -> Mistakes:
    """The micro world's models, a folder, or a hub name with its revision."""
    path, revision = known(*section, "path"), known(*section, "revision")
    path_key, revision_key = (*section, "path"), (*section, "revision")
    there_are = ", ".join(world)
    a_world = f"neither {there_are}, nor" if world else "neither"
    in_world, packaged = path.startswith("world/"), name_in_package(path)
    if packaged is not None:
        names = sorted(known("packages"))
        if packaged not in names:
            text = f"{path!r} is not in the section packages{nearest(packaged, names)}"
            yield path_key, f"{text} There are: {', '.join(names) or 'none'}"
        elif revision is not None:
            yield revision_key, f"{revision!r} is not allowed: a package has a version of its own"
    elif in_world and path not in world:
        text = f"{path!r} is not a model of the micro world{nearest(path, world)}"
        yield path_key, f"{text} There are: {there_are or 'none that could be used here'}"
    elif in_world or is_folder(path):
        if revision is not None:
            text = f"{revision!r} is not allowed: {path!r} is no hub name, so it has no revision"
            yield revision_key, text
    elif not HUB_NAME.fullmatch(path):
        text = f"{a_world} a folder, nor a hub name (owner/name)"
        yield path_key, f"{path!r} is {text}"
    elif revision is None:
        text = f"{path!r} is not a folder here, and a hub name needs its commit"
        yield revision_key, f"is missing: {text}"


def is_folder(path: str) -> bool:
    """Whether a path is a folder here; False for what is no path at all."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # longer than a file name may be, or not one at all
        return False
