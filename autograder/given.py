"""given.py: the reference's version of just those earlier functions that a unit builds on, as one file.

It is the closure of what solutions/<unit>.py imports from earlier units: no answer of the unit itself or a later one.
"""

from __future__ import annotations

import ast
import graphlib
import os
import threading
from pathlib import Path

from autograder.paths import SOLUTIONS
from autograder.units import UNITS, unit

_HEADER = '''"""What earlier units built, for the exercises of "{title}" to stand on. Made by the release step."""

'''


class _Module:
    """The top-level definitions of a module of `solutions`, by name."""

    def __init__(self, name: str):
        self.name = name
        self.text = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
        self.definitions: dict[str, ast.stmt] = {}
        self.earlier: dict[str, str] = {}  # name imported -> module of solutions
        self.imports: dict[str, str] = {}  # name imported -> statement that imports it
        for node in ast.parse(self.text).body:
            self._read(node)

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("solutions."):
            self.earlier |= {alias.name: node.module.removeprefix("solutions.") for alias in node.names}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                return
            self.imports |= {alias.asname or alias.name: ast.unparse(node) for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            self.definitions |= {target.id: node for target in targets if isinstance(target, ast.Name)}

    def source(self, name: str) -> str:
        node = self.definitions[name]
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        return "\n".join(self.text.splitlines()[first - 1 : node.end_lineno])

    def uses(self, name: str) -> set[str]:
        return {node.id for node in ast.walk(self.definitions[name]) if isinstance(node, ast.Name)}


def given_source(unit_name: str) -> str:
    """The text of given.py for a unit; "" where it builds on nothing earlier."""
    order, modules, imports = _closure(unit_name)
    if not order:
        return ""
    names = [name for _, name in order]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"given.py for {unit_name} would define {', '.join(twice)} twice: rename the helper")
    parts = [modules[module].source(name) for module, name in order]
    header = _HEADER.format(title=unit(unit_name).title) + "from __future__ import annotations\n\n"
    return header + "\n".join(sorted(imports)) + "\n\n\n" + "\n\n\n".join(parts) + "\n"


def answered(unit_name: str) -> dict[str, list[str]]:
    """What given.py gives away: for each earlier unit its functions whose reference stands in it."""
    found: dict[str, list[str]] = {}
    for module, name in sorted(_closure(unit_name)[0]):
        if any(name in exercise.functions for exercise in UNITS[module].exercises):
            found.setdefault(module, []).append(name)
    return found


def _closure(unit_name: str) -> tuple[list[tuple[str, str]], dict[str, _Module], set[str]]:
    """(module, name) of all that is needed, each after what it uses; the modules; the imports of their bodies."""
    modules: dict[str, _Module] = {}
    wanted = [(module, name) for name, module in _Module(unit_name).earlier.items()]
    graph: dict[tuple[str, str], set[tuple[str, str]]] = {}
    imports: set[str] = set()
    while wanted:
        key = module_name, name = wanted.pop()
        if key in graph:
            continue
        if UNITS[module_name].number >= UNITS[unit_name].number:
            raise ValueError(
                f"solutions/{unit_name}.py imports {name} from {module_name}, which is not an earlier unit"
            )
        module = modules.setdefault(module_name, _Module(module_name))
        used = module.uses(name)
        imports |= {statement for alias, statement in module.imports.items() if alias in used}
        graph[key] = {(module_name, other) for other in used & module.definitions.keys() - {name}}
        graph[key] |= {(module.earlier[other], other) for other in used & module.earlier.keys()}
        wanted += graph[key]
    return list(graphlib.TopologicalSorter(graph).static_order()), modules, imports


def write_given(unit_name: str, path: Path) -> bool:
    """Bring given.py up to date; False where the unit builds on nothing, and an old one is removed."""
    text = given_source(unit_name)
    if not text:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        # Hosts side by side may do this at once: each file is whole when it appears.
        part = path.with_name(f".given.{os.getpid()}.{threading.get_ident()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return bool(text)
