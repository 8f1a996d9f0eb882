"""Write data/prompts/chats.txt and documents.txt from the parts in data/prompts/parts.yaml.

Each situation meets each detail of its theme once; the requests go round, so that two prompts
share at most one of situation and detail. A pool of one's own needs no parts: one prompt a line.
"""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "data" / "prompts"


def _chats(themes: dict) -> list[str]:
    """Every situation with every detail of its theme, and one of its requests."""
    return [
        f"{situation} {detail} {part['requests'][(3 * i + j) % len(part['requests'])]}"
        for part in themes.values()
        for i, situation in enumerate(part["situations"])
        for j, detail in enumerate(part["details"])
    ]


def _documents(parts: dict) -> list[str]:
    """Every frame with every subject; the colon is what a text goes on from."""
    return [
        frame.format(subject) + ":" for frame in parts["frames"] for subject in parts["subjects"]
    ]


def write_prompts(output: Path = FOLDER) -> None:
    """Write data/prompts/chats.txt and documents.txt from the parts in data/prompts/parts.yaml.

    output: folder to write to.
    """
    import yaml

    from idempotence.io import write_text

    parts = yaml.safe_load((FOLDER / "parts.yaml").read_text(encoding="utf-8"))
    pools = {"chats": _chats(parts["chats"]), "documents": _documents(parts["documents"])}
    for name, prompts in pools.items():
        write_text(output / f"{name}.txt", "".join(f"{prompt}\n" for prompt in prompts))


if __name__ == "__main__":
    from idempotence.launch.script import run

    run(write_prompts)
