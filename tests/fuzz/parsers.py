"""Which parsers there are, and what their code is: an hour of search counts for the code that was searched.

A dialect that is read by the same functions as another format is the same parser. The code of a parser is what reading
may reach: the functions behind `WireProtocol` that are given bytes, and every function, class and constant of ours that
their text names, and so on from these. What asks, sends, keeps time or records is not among them, nor are the tests.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from probes.load.protocols import _PLACES, PROTOCOLS

READERS: Final = ("read_stream", "has_payload", "has_terminator", "output_tokens", "answer_text")  # given bytes
_OURS: Final = "probes."


@cache
def parsers() -> dict[str, tuple[str, ...]]:
    """The parsers, each named after the first format that it reads, and all formats that it reads."""
    formats: dict[tuple[int, ...], list[str]] = {}
    for api in PROTOCOLS:
        formats.setdefault(tuple(_identity(getattr(PROTOCOLS[api], name)) for name in READERS), []).append(api)
    return {apis[0]: tuple(apis) for apis in formats.values()}


def parser_of(api: str) -> str:
    """The name of the parser that reads a wire format."""
    return next(name for name, apis in parsers().items() if api in apis)


@cache
def code_of(parser: str) -> str:
    """The first 12 hex digits of the SHA-256 over a parser's code, without comments, docstrings and line breaks."""
    text = "\n".join(f"{module}:{name}={_dump(node)}" for (module, name), node in sorted(reached(parser).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def reached(parser: str) -> dict[tuple[str, str], ast.stmt]:
    """Every definition of ours that reading may reach, by module and name.

    Raises:
        LookupError: a name is imported from a module of ours that does not define it.
    """
    module = f"{_OURS}load.protocols.{_PLACES[parser][0]}"
    found: dict[tuple[str, str], ast.stmt] = {}
    todo = [(module, name) for name in _reader_names(_tree(module))]
    while todo:
        place = module, name = todo.pop()
        if place in found:
            continue
        definitions, imports = _names(module)
        if name in definitions:
            found[place] = definitions[name]
            todo += [(module, used) for used in _used(definitions[name])]
        elif name in imports:
            if imports[name][1] not in {**_names(imports[name][0])[0], **_names(imports[name][0])[1]}:
                raise LookupError(
                    f"{module} imports {imports[name][1]} of {imports[name][0]}, which defines no such name"
                )
            todo.append(imports[name])
    return found


def _identity(function: Callable[..., object]) -> int:
    """The same for one function, and for two made by one text that closes over nothing."""
    is_open = getattr(function, "__closure__", None) is None
    return id(getattr(function, "__code__", function) if is_open else function)


def _reader_names(tree: ast.Module) -> Iterator[str]:
    """The names in what a module gives a WireProtocol to read with."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            for argument in call.keywords:
                if argument.arg in READERS:
                    yield from _used(argument.value)


@cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    return ast.parse(Path(spec.origin).read_text())


@cache
def _names(module: str) -> tuple[dict[str, ast.stmt], dict[str, tuple[str, str]]]:
    """What a module defines at its top, and what it imports, there or inside functions, from modules of ours."""
    definitions: dict[str, ast.stmt] = {}
    for node in _tree(module).body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                definitions[node.name] = node
            case ast.Assign():
                definitions |= {used.id: node for target in node.targets for used in _all_names(target)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                definitions[name] = node
            case _:
                pass
    imports = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.module.startswith(_OURS)
        for alias in node.names
    }
    return definitions, imports


def _all_names(node: ast.AST) -> Iterator[ast.Name]:
    return (found for found in ast.walk(node) if isinstance(found, ast.Name))


def _used(node: ast.AST) -> Iterator[str]:
    """Names in a text, but for those in annotations, which nothing runs."""
    if isinstance(node, ast.Name):
        yield node.id
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _used(child)


def _dump(node: Any) -> str:
    """The text of a syntax tree: the same for every Python that reads it, and without docstrings."""
    if isinstance(node, list):
        return "[" + ",".join(_dump(one) for one in node if not _is_docstring(one)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if name != "ctx" and value not in (None, []))
    return type(node).__name__ + "(" + ",".join(f"{name}={_dump(value)}" for name, value in fields) + ")"


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
