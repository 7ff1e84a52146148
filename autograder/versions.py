"""Versions: hashes of all that decides a result, exercise by exercise.

An exercise's version follows its checks, its mistakes and the reference's functions that these or the grader ask,
each with what it uses, definition by definition; comments do not count. What every exercise shares (the sandbox, the
comparing and explaining code, limits, isolation, given.py, Python, NumPy) is the base. So after a check was changed
only the exercises concerned are graded again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from autograder.given import given_source
from autograder.paths import BACKPASS, CHECKS, ROOT, SOLUTIONS
from autograder.units import Exercise, Unit

# Parts of autograder/ that keep books or print, and decide no result.
_DECIDE_NOTHING = {
    "__main__.py",
    "booking.py",
    "classes.py",
    "cli.py",
    "cluster.py",
    "differences.py",
    "doctor.py",
    "exports.py",
    "kit.py",
    "learning_platforms.py",
    "notebook_text.py",
    "patience.py",
    "pool.py",
    "release.py",
    "report.py",
    "store.py",
    "terminal.py",
    "validate.py",
    "whole_files.py",
}
# Names by which code can reach what it does not name: then the whole file counts.
_REACHES_ANYTHING = {"getattr", "globals", "vars", "eval", "exec", "importlib", "__import__", "__dict__"}
PARTS = ("checks", "mistakes", "reference")


@dataclass(frozen=True)
class Versions:
    """The base and, for each exercise, the versions of its parts."""

    base: str
    parts: dict[str, dict[str, str]] = field(hash=False)

    @functools.cached_property
    def exercises(self) -> dict[str, str]:
        """The version of each exercise, base included."""
        return {name: _hash(self.base, *(parts[part] for part in PARTS)) for name, parts in self.parts.items()}

    @functools.cached_property
    def whole(self) -> str:
        """One hash of everything."""
        return _hash(*self.exercises.values())


def versions_of(unit: Unit, isolation: str) -> Versions:
    """The versions of a unit's exercises as the files are now."""
    seen = tuple((path, _changed(path)) for path in _deciding_files(unit))
    return _versions(unit, isolation, seen)


@functools.lru_cache(maxsize=8)
def _versions(unit: Unit, isolation: str, seen: tuple[tuple[Path, tuple[int, int]], ...]) -> Versions:
    base = _base(unit, isolation)
    return Versions(base, {exercise.name: _parts(unit, exercise) for exercise in unit.exercises})


def _changed(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# What every exercise shares


def _base(unit: Unit, isolation: str) -> str:
    digest = hashlib.sha256()
    for path in _shared_files():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    packages = ("numpy", "msgpack", "ipython", *(["torch"] if unit.needs_torch else []))
    versions = [platform.python_version(), *(_version(package) for package in packages)]
    digest.update(repr((unit, isolation, versions, given_source(unit.name) if _built(unit) else "")).encode())
    return digest.hexdigest()


def _built(unit: Unit) -> bool:
    return (SOLUTIONS / f"{unit.name}.py").exists()


def _shared_files() -> list[Path]:
    package = CHECKS.parent
    files = [path for path in package.glob("*.py") if path.name not in _DECIDE_NOTHING]
    files += (package / "sandbox").rglob("*.py")
    files += [package / "checks" / name for name in ("__init__.py", "conftest.py")]
    files += [package / "mistakes" / "__init__.py", *BACKPASS.rglob("*.py")]
    return sorted(path for path in files if path.exists())


def _deciding_files(unit: Unit) -> list[Path]:
    own = [CHECKS.parent / folder / f"{unit.name}.py" for folder in ("checks", "mistakes")]
    return [*_shared_files(), *(path for path in own if path.exists()), *sorted(SOLUTIONS.glob("*.py"))]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


# What an exercise has for itself


def _parts(unit: Unit, exercise: Exercise) -> dict[str, str]:
    """The versions of the exercise's checks, mistakes and reference."""
    checks = Followed(unit)
    checks.follow(_module(CHECKS / f"{unit.name}.py"), _declared(CHECKS / f"{unit.name}.py", "check", exercise.name))
    mistakes = Followed(unit)
    path = CHECKS.parent / "mistakes" / f"{unit.name}.py"
    for function in exercise.functions:
        mistakes.follow(_module(path), _declared(path, "mistake", function))
    reference = Followed(unit)
    solutions = _module(SOLUTIONS / f"{unit.name}.py")
    asked = {*exercise.functions, *checks.asked, *mistakes.asked}
    reference.follow(solutions, [name for name in unit.functions if name in asked])
    return {"checks": checks.version(), "mistakes": mistakes.version(), "reference": reference.version()}


def _declared(path: Path, decorator: str, first: str) -> list[str]:
    """Names of the functions that a file declares for an exercise, in their order."""
    return [
        name
        for name, nodes in _module(path).definitions.items()
        for node in nodes
        for call in getattr(node, "decorator_list", ())
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == decorator and _is(call, first)
    ]


def _is(call: ast.Call, first: str) -> bool:
    """Whether this is what the declaration is for; one that does not say so plainly is for everything."""
    told = call.args[0] if call.args else None
    return not (isinstance(told, ast.Constant) and isinstance(told.value, str)) or told.value == first


@dataclass
class Module:
    """The top-level statements of a file of ours: by the name that they give a value, or `loose`."""

    name: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> (module, name there or "")
    loose: list[ast.stmt] = field(default_factory=list)


def _module(path: Path) -> Module:
    return _parsed(path, _changed(path)) if path.exists() else Module(path.stem)


@functools.lru_cache(maxsize=64)
def _parsed(path: Path, changed: tuple[int, int]) -> Module:
    module = Module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= _imported(node)
            continue
        for name in _defined(node):
            module.definitions.setdefault(name, []).append(node)
        if not _defined(node) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            module.loose.append(node)  # a docstring does nothing
    return module


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement gives a value; none where it may do more than that."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        fixture = any("fixture" in ast.dump(decorator) for decorator in node.decorator_list)
        return [] if fixture else [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    plain = isinstance(node, ast.Assign | ast.AnnAssign) and all(isinstance(target, ast.Name) for target in targets)
    names = [target.id for target in targets] if plain else []
    return [] if any(name.startswith("pytest") for name in names) else names


def _imported(node: ast.Import | ast.ImportFrom) -> dict[str, tuple[str, str]]:
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
    return {alias.asname or alias.name.partition(".")[0]: (alias.name, "") for alias in node.names}


class Followed:
    """Definitions and all that they use, in the files that are followed: solutions, and a unit's own two."""

    def __init__(self, unit: Unit):
        self._functions = frozenset(unit.functions)
        self._digest = hashlib.sha256()
        self.done: set[tuple[str, str]] = set()
        self.asked: set[str] = set()  # functions of the unit that are mentioned: their reference is asked, too

    def version(self) -> str:
        return self._digest.hexdigest()

    def follow(self, module: Module, names: Iterable[str]) -> None:
        """Take in these names of a module, in this order, and what they use."""
        self._take(module, "", module.loose)
        for name in names:
            self._name(module, name)

    def _name(self, module: Module, name: str) -> None:
        if name in module.definitions:
            self._take(module, name, module.definitions[name])
        elif name in module.imports:
            self._import(*module.imports[name])
        else:
            self._everything(module)  # made in a way that is not seen here, or by __getattr__

    def _everything(self, module: Module) -> None:
        if (module.name, "*") not in self.done:
            self.done.add((module.name, "*"))
            self.follow(module, [*module.definitions, *module.imports])

    def _import(self, module_name: str, name: str) -> None:
        if module_name == "solutions" and name:
            module_name, name = f"solutions.{name}", ""
        if not module_name.startswith("solutions."):
            return  # of the base, or a package
        module = _module(SOLUTIONS / f"{module_name.removeprefix('solutions.')}.py")
        if name and name != "*":
            self._take(module, "", module.loose)
            self._name(module, name)
        else:
            self._everything(module)

    def _take(self, module: Module, name: str, nodes: list[ast.stmt]) -> None:
        if (module.name, name) in self.done:
            return
        self.done.add((module.name, name))
        for node in nodes:
            self._digest.update(f"{module.name}\0{name}\0{ast.dump(node)}\0".encode())
            self._uses(module, node)

    def _uses(self, module: Module, node: ast.stmt) -> None:
        mentioned = set(_mentioned(node))
        self.asked |= mentioned & self._functions
        if mentioned & _REACHES_ANYTHING:
            self.asked |= self._functions
            self._everything(module)
        through = _attributes(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                for where in _imported(inner).values():
                    self._import(*where)
        for name in sorted(mentioned & (module.definitions.keys() | module.imports.keys())):
            file = _solutions_file(module.imports.get(name))
            if file is None or name not in through:
                self._name(module, name)
                continue
            # `right.conv2d_forward` with a module called right: these names alone.
            for attribute in sorted(through[name]):
                self.follow(_module(file), [attribute])


def _solutions_file(where: tuple[str, str] | None) -> Path | None:
    """The file, where an import gives a module of solutions a name."""
    module, name = where or ("", "")
    whole = f"{module}.{name}" if name else module
    path = SOLUTIONS / f"{whole.removeprefix('solutions.')}.py"
    return path if whole.startswith("solutions.") and path.exists() else None


def _mentioned(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr
        elif isinstance(inner, ast.arg):
            yield inner.arg
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.isidentifier():
            yield inner.value


def _attributes(node: ast.stmt) -> dict[str, set[str]]:
    """name -> attributes, for names of which nothing but attributes is used."""
    found: dict[str, set[str]] = {}
    bases: dict[str, int] = {}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            found.setdefault(inner.value.id, set()).add(inner.attr)
            bases[inner.value.id] = bases.get(inner.value.id, 0) + 1
        elif isinstance(inner, ast.Name):
            bases[inner.id] = bases.get(inner.id, 0) - 1
    return {name: attributes for name, attributes in found.items() if bases[name] == 0}
