"""Turn a function of a trusted module (a mistake, a variant) into the text of a notebook cell.

What it uses comes along under a name of its own: helpers and constants of its module, and the reference's
functions where it leans on them (`right.convolve1d`). Docstrings, decorators and type hints stay behind, so
that the text does not say which mistake it is.
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import types
from collections.abc import Callable


class CannotMove(ValueError):
    """The function is not made of plain `def`s that could be pasted."""


def as_cell(functions: dict[str, Callable]) -> str:
    """Source text that defines each function under the name it is given here."""
    moving = _Moving()
    main = [moving.definition(function, name) for name, function in functions.items()]
    return "\n\n\n".join([*moving.imports, *moving.helpers.values(), *main])


class _Moving:
    def __init__(self) -> None:
        self.imports: list[str] = []
        self.helpers: dict[str, str] = {}

    def definition(self, function: Callable, name: str) -> str:
        if not isinstance(function, types.FunctionType) or function.__name__ == "<lambda>":
            raise CannotMove(f"{name} is not a plain function")
        module = importlib.import_module(function.__module__)
        node = _top_level(module).get(function.__name__)
        if not isinstance(node, ast.FunctionDef):
            raise CannotMove(f"{function.__name__} does not stand at the top level of {module.__name__}")
        return self._rewritten(module, node, name)

    def _rewritten(self, module: types.ModuleType, node: ast.stmt, name: str) -> str:
        node = ast.parse(ast.unparse(node)).body[0]
        if isinstance(node, ast.FunctionDef):
            node.name, node.decorator_list, node.returns = name, [], None
            for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                argument.annotation = None
            if ast.get_docstring(node):
                node.body = node.body[1:]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            node = ast.Assign([ast.Name(name, ast.Store())], node.value)
        local = set().union(*map(_binds, ast.walk(node))) - {name}
        return ast.unparse(ast.fix_missing_locations(_Renames(self, module, local).visit(node)))

    def new_name(self, module: types.ModuleType, name: str) -> str:
        """The name in the cell of what `name` means in `module`; brings it along at the first mention."""
        top_level = _top_level(module)
        node = top_level.get(name)
        if isinstance(node, ast.FunctionDef | ast.Assign | ast.AnnAssign):
            moved = f"_{module.__name__.rpartition('.')[2]}_{name.strip('_')}"
            if moved not in self.helpers:
                self.helpers[moved] = ""  # stops a recursion; and keeps what it needs behind what came before
                text = self._rewritten(module, node, moved)
                del self.helpers[moved]
                self.helpers[moved] = text
            return moved
        if isinstance(node, ast.Import):
            line = ast.unparse(node)
            if line not in self.imports:
                self.imports.append(line)
            return name
        if isinstance(node, ast.ImportFrom):
            value = getattr(module, name)
            if isinstance(value, types.FunctionType) and value.__module__.startswith("solutions."):
                return self.new_name(importlib.import_module(value.__module__), value.__name__)
            if not node.module.startswith(("solutions", "autograder")):
                line = ast.unparse(ast.ImportFrom(node.module, node.names, node.level))
                if line not in self.imports:
                    self.imports.append(line)
                return name
        if hasattr(builtins, name):
            return name
        raise CannotMove(f"{name} in {module.__name__} cannot be pasted")


class _Renames(ast.NodeTransformer):
    def __init__(self, moving: _Moving, module: types.ModuleType, local: set[str]):
        self.moving, self.module, self.local = moving, module, local

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self.local or not isinstance(node.ctx, ast.Load):
            return node
        return ast.Name(self.moving.new_name(self.module, node.id), ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id not in self.local:
            owner = getattr(self.module, node.value.id, None)
            if isinstance(owner, types.ModuleType) and owner.__name__.startswith("solutions"):
                return ast.Name(self.moving.new_name(owner, node.attr), ast.Load())
        return self.generic_visit(node)


def _binds(node: ast.AST) -> set[str]:
    """The names that a node inside a function makes local."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.FunctionDef(name=name):
            return {name}
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {(alias.asname or alias.name).split(".")[0] for alias in aliases}
        case ast.ExceptHandler(name=str(name)):
            return {name}
    return set()


@functools.cache
def _top_level(module: types.ModuleType) -> dict[str, ast.stmt]:
    """The statement that defines each top-level name of a module."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            found[node.target.id] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[(alias.asname or alias.name).split(".")[0]] = node
    return found
