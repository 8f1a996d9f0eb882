"""What a job's program is, as one short hash: comments, docstrings and formatting do not count.

A rule puts the hash into its `params`, so that an edit which changes what a script does, in the
script or in any module of this project it imports, makes the rule's files again, and a comment,
a `touch` or a fresh checkout does not. Nothing here imports the code it reads.
"""

import ast
import hashlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from idempotence.errors import UserError

DIGITS = 16
Import = tuple[int, str, tuple[str, ...]]  # relative level, module, names taken from it
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(
    script: Path, package_root: Path, files: Iterable[Path] = (), without: Iterable[str] = ()
) -> str:
    """Hash a script together with everything of this project that it runs.

    Counted are the syntax trees of the script and, transitively, of each module it imports that
    lies beside the script or in a package under `package_root` (`src`, the folder that holds the
    package), imports inside functions and the `__init__` files on the way included. Blocks of
    `if __name__ == "__main__":` are left out with what they import: they say how a program is
    started. Modules that are imported under a name computed at run time are not seen.

    files: data that the script reads (a grammar, templates); they count by content and file name,
    in any order. without: dotted names of modules and packages that this job never runs, though
    the script can import them (an engine other than the job's); they are left out with all that
    only they import. Where the project lies does not matter.

    Returns 16 hexadecimal digits. Raises `UserError` for a file that cannot be read or parsed,
    naming file and line, and for a name in `without` under which no module lies.
    """
    total = hashlib.sha256()
    for name, digest in _modules(Path(script), Path(package_root), without):
        total.update(f"{name} {digest}\n".encode())
    data = [(os.path.basename(file), hashlib.sha256(_read(file)).hexdigest()) for file in files]
    for name, digest in sorted(data):
        total.update(f"file {name} {digest}\n".encode())
    return total.hexdigest()[:DIGITS]


def closure(script: Path, package_root: Path, without: Iterable[str] = ()) -> list[str]:
    """Dotted names, sorted, of the project's modules whose edits count for a script.

    Arguments and errors are those of `fingerprint`.
    """
    return [name for name, _ in _modules(Path(script), Path(package_root), without) if name]


def _modules(script: Path, package_root: Path, without: Iterable[str]) -> list[tuple[str, str]]:
    """(dotted name, digest) of every module reached from the script, sorted; the script is ""."""
    if not any(package_root.glob("*/__init__.py")) or (package_root / "__init__.py").exists():
        raise UserError(
            f"{package_root} is not a folder that holds a Python package; "
            "give the one above the package, such as src"
        )
    roots = [os.path.abspath(script.parent), os.path.abspath(package_root)]
    left_out = tuple(without)
    for name in left_out:
        if not _locate(name, roots):
            raise UserError(f"{name}: there is no such module to leave out of a fingerprint")
    # Third-party names need no look at the disk: only these can be modules of the project.
    tops = {name.removesuffix(".py") for root in roots for name in _listing(root)}
    seen = {"": _parsed(os.path.abspath(script))}
    waiting = [""]
    while waiting:
        importer = waiting.pop()
        is_package, _, imports = seen[importer]
        for name in _candidates(importer, is_package, imports):
            if name in seen or name.partition(".")[0] not in tops or _lies_in(name, left_out):
                continue
            path = _locate(name, roots)
            if path:
                seen[name] = _parsed(path)
                waiting.append(name)
    return sorted((name, digest) for name, (_, digest, _) in seen.items())


def _lies_in(name: str, packages: tuple[str, ...]) -> bool:
    """Whether a module is one of these modules, or in one of these packages."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def _listing(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}") from error


def _candidates(importer: str, is_package: bool, imports: tuple[Import, ...]) -> Iterator[str]:
    """Dotted names that the import statements may load, each after the packages it lies in."""
    for level, module, names in imports:
        base = module
        if level:
            parts = importer.split(".")
            parts = parts[: len(parts) - level + is_package]
            base = ".".join(parts + [module] if module else parts)
        for name in (base, *(f"{base}.{name}" for name in names)):
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                yield ".".join(parts[:end])


def _locate(name: str, roots: list[str]) -> str | None:
    for root in roots:
        stem = os.path.join(root, *name.split("."))
        for path in (os.path.join(stem, "__init__.py"), stem + ".py"):
            if os.path.isfile(path):
                return path
    return None


def _parsed(path: str) -> tuple[bool, str, tuple[Import, ...]]:
    """(is a package, digest of the syntax tree, import statements) of one file."""
    return _parse(path, _read(path))


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read for its fingerprint: {error.strerror}") from error


@cache  # by content: edits within one tick of the file system's clock may differ in nothing else
def _parse(path: str, source: bytes) -> tuple[bool, str, tuple[Import, ...]]:
    try:
        tree = ast.parse(source, filename=path)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", None) or error
        raise UserError(
            f"{path}, line {line}: not valid Python ({reason}); correct it and start again"
        ) from error
    tree.body = list(_without_start(tree.body))
    pieces: list[str] = []
    _write(tree, pieces)
    digest = hashlib.sha256("".join(pieces).encode("utf-8", "surrogatepass")).hexdigest()
    return os.path.basename(path) == "__init__.py", digest, tuple(_imports(tree))


def _without_start(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """A module's statements, without what runs only where the module is the program started."""
    for statement in body:
        if isinstance(statement, ast.If) and _is_start(statement.test):
            yield from _without_start(statement.orelse)
        else:
            yield statement


def _is_start(test: ast.expr) -> bool:
    """Whether a condition is `__name__ == "__main__"`."""
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, *test.comparators]
    names = [side.id for side in sides if isinstance(side, ast.Name)]
    texts = [side.value for side in sides if isinstance(side, ast.Constant)]
    return names == ["__name__"] and texts == ["__main__"] and len(sides) == 2


def _imports(tree: ast.Module) -> Iterator[Import]:
    """Each import that can run."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _only_for_types(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names if alias.name != "*")
            yield node.level, node.module or "", names


def _only_for_types(test: ast.expr) -> bool:
    """Whether a condition is TYPE_CHECKING, which is never true when a program runs."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _write(node: object, pieces: list[str]) -> None:
    """Append a syntax tree as text.

    `ast.dump` will not do: what it leaves out differs between Python versions, and so do the
    fields of a node (an empty `type_params` since 3.12). Here empty fields are left out always.
    """
    if isinstance(node, ast.Constant):
        pieces.append(f"{type(node.value).__name__}:{node.value!r};")
    elif isinstance(node, ast.AST):
        pieces.append(f"{type(node).__name__}(")
        for field, value in ast.iter_fields(node):
            if field == "body" and isinstance(node, _DOCUMENTED):
                value = _without_docstring(value)
            elif field == "values" and isinstance(node, ast.JoinedStr):
                # Some versions keep empty literal parts of an f-string.
                value = [v for v in value if not (isinstance(v, ast.Constant) and v.value == "")]
            if value is not None and value != []:
                pieces.append(f"{field}=")
                _write(value, pieces)
        pieces.append(")")
    elif isinstance(node, list):
        pieces.append("[")
        for item in node:
            _write(item, pieces)
        pieces.append("]")
    else:
        pieces.append(f"{node!r},")


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    documented = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return body[1:] if documented else body
