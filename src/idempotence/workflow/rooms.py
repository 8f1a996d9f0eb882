"""The rooms of this package, which of them import which, and the page that draws them."""

import ast
from pathlib import Path

# From the ground up: a room imports only rooms of lower floors.
FLOORS = (
    ("errors", "rng", "doses", "objectives", "environment_names", "progress", "vllm_limits"),
    ("io", "strict_yaml"),
    ("jobs",),
    ("micro_world", "endpoint", "scores", "published"),
    ("texts",),
    ("engine",),
    ("seed_rows", "finetune", "sampling", "judge"),
    ("cycle_zero", "audit", "world_build", "judge_tuning"),
    ("stats",),
    ("claims", "figures"),
    ("report",),
    ("config", "launch"),
    ("workflow", "reference"),
    ("cost_estimate",),
)
MARKS = ("<!-- rooms: written by scripts/draw_architecture.py -->", "<!-- end of rooms -->")


def room_of(module: str) -> str:
    """The room of a dotted module name of this package: its first part after `idempotence`."""
    return (module.split(".") + [""])[1]


def imports(package: Path) -> dict[str, set[str]]:
    """Room -> the other rooms that it imports, at its top or inside functions.

    package: the folder of the package. Imports for type checkers alone count, since a reader
    follows them too.
    """
    arrows: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        others = arrows.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module == package.name:
                names = [f"{package.name}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            others.update(room_of(name) for name in names if name.startswith(f"{package.name}."))
        others.discard(room)
    return {room: {other for other in others if other in arrows} for room, others in arrows.items()}


def purpose(package: Path, room: str) -> str:
    """What a room holds: the first line of its docstring."""
    folder = package / room
    path = folder / "__init__.py" if folder.is_dir() else package / f"{room}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def drawing(package: Path) -> str:
    """The rooms as a Mermaid graph, top floor first, and as a table.

    An arrow is left out where a longer way through other rooms says as much.
    """
    arrows = imports(package)
    lines = ["```mermaid", "flowchart TD"]
    for number, floor in reversed(list(enumerate(FLOORS))):
        lines.append(f'  subgraph floor{number}[" "]')
        lines += [f"    {room}" for room in floor]
        lines.append("  end")
    lines += [
        f"  {room} --> {other}"
        for floor in reversed(FLOORS)
        for room in floor
        for other in sorted(_direct(room, arrows))
    ]
    lines += ["```", "", "| room | holds | imports |", "|---|---|---|"]
    for floor in reversed(FLOORS):
        for room in floor:
            used = ", ".join(f"`{other}`" for other in sorted(arrows[room])) or "nothing"
            lines.append(f"| `{room}` | {purpose(package, room)} | {used} |")
    return "\n".join(lines)


def _direct(room: str, arrows: dict[str, set[str]]) -> set[str]:
    """The imported rooms that no other imported room reaches."""
    beyond: set[str] = set()
    for other in arrows[room]:
        beyond |= _reached(other, arrows)
    return arrows[room] - beyond


def _reached(room: str, arrows: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [room]
    while waiting:
        for other in arrows[waiting.pop()] - reached:
            reached.add(other)
            waiting.append(other)
    return reached


def with_drawing(page: str, package: Path) -> str:
    """A page with the drawing between its two marks; raises ValueError for a page without them."""
    before, _, rest = page.partition(MARKS[0])
    _, mark, after = rest.partition(MARKS[1])
    if not mark:
        raise ValueError(f"the page lacks the marks {MARKS[0]} and {MARKS[1]}")
    return f"{before}{MARKS[0]}\n{drawing(package)}\n{MARKS[1]}{after}"
