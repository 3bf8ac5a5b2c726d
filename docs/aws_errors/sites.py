"""The call sites of AWS's APIs, found in the code."""

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from botocore import xform_name
from botocore.session import Session

ROOT = Path(__file__).resolve().parents[2]
WHERE = ("shared", "*_service/chalicelib", "headrace/operate")
SERVICES = (
    "cloudwatch",
    "dynamodb",
    "events",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "sagemaker-runtime",
    "secretsmanager",
    "sqs",
)
# What holds a boto3 client is called so.
_CLIENT = re.compile(r"_?(client|sqs|lambdas)$")


class Site(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One operation that one function asks for; ``function`` is qualified by its class.

    ``done_if`` is of a call that is planned as data: the errors that say it is so already; None of every other.
    """

    service: str
    operation: str
    module: str
    function: str
    done_if: tuple[str, ...] | None = None

    @property
    def place(self) -> str:
        """Where it is, for people and for the table of probes."""
        return f"{self.module}.{self.function}"


@functools.cache
def model(service: str) -> Any:
    """Return botocore's model of a service."""
    return Session().get_service_model(service)


def find() -> list[Site]:
    """Return every call site, in order."""
    return sorted({site for folder in WHERE for top in ROOT.glob(folder) for site in _below(top)})


def _below(top: Path) -> Iterator[Site]:
    for path in top.rglob("*.py"):
        yield from in_source(path.read_text(encoding="utf-8"), _module_name(path))


def in_source(source: str, module: str) -> set[Site]:
    """Return the call sites of one module.

    Raises
    ------
    LookupError
        An operation is of more than one service, as far as the names tell.
    """
    named: set[Site] = set()
    methods: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for function, node in _in_functions(ast.parse(source)):
        for operation in _operations(node):
            service = _only(_having(_operation_names, [operation]), f"{module}: {operation}")
            named.add(Site(service=service, operation=operation, module=module, function=function))
        for holder, method in _methods(node):
            methods[holder].add((function, method))
    for holder, uses in methods.items():
        service = _only(_having(_method_names, [method for _, method in uses]), f"{module}: {holder}")
        named |= {
            Site(service=service, operation=_method_names(service)[method], module=module, function=function)
            for function, method in uses
        }
    return named


def _operations(node: ast.AST) -> Iterator[str]:
    """Yield what our own client is asked for: an operation's name comes first, or its path is one's."""
    if not isinstance(node, ast.Call):
        return
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Constant) and _having(_operation_names, [first.value]):
        yield str(first.value)
    for keyword in node.keywords:
        if keyword.arg == "path" and isinstance(keyword.value, ast.JoinedStr):
            yield from _runtime_operation(keyword.value)


def _runtime_operation(path: ast.JoinedStr) -> Iterator[str]:
    spelled = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in path.values)
    for name in model("sagemaker-runtime").operation_names:
        uri = model("sagemaker-runtime").operation_model(name).http["requestUri"]
        if re.sub(r"\{[^}]*\}", "{}", uri) == spelled:
            yield str(name)


def _methods(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield holder and method of a boto3 client's operation, called or handed on; paginators name it in words."""
    if isinstance(node, ast.Attribute) and _holder(node.value) and _having(_method_names, [node.attr]):
        yield _holder(node.value), node.attr
    if isinstance(node, ast.FunctionDef):
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Attribute)]
        pagers = [one for one in calls if one.attr == "get_paginator" and _holder(one.value)]
        for word in ast.walk(node) if pagers else ():
            if isinstance(word, ast.Constant) and _having(_method_names, [word.value]):
                yield _holder(pagers[0].value), str(word.value)


def _holder(node: ast.AST) -> str:
    """Return the name of what holds a client, empty for anything else."""
    if isinstance(node, ast.Call):
        return _holder(node.func)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lstrip("_") if _CLIENT.fullmatch(name) else ""


def _in_functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the qualified name of the outermost function that it is in."""
    for top in tree.body:
        inside = top.body if isinstance(top, ast.ClassDef) else [top]
        prefix = f"{top.name}." if isinstance(top, ast.ClassDef) else ""
        for statement in inside:
            if isinstance(statement, ast.FunctionDef):
                yield from ((prefix + statement.name, node) for node in ast.walk(statement))


@functools.cache
def _operation_names(service: str) -> dict[str, str]:
    return {str(name): str(name) for name in model(service).operation_names}


@functools.cache
def _method_names(service: str) -> dict[str, str]:
    return {xform_name(name): str(name) for name in model(service).operation_names}


def _having(names_of: Any, wanted: Iterable[object]) -> list[str]:
    """Return the services that have all *wanted* names."""
    wanted = list(wanted)
    return [service for service in SERVICES if all(name in names_of(service) for name in wanted)]


def _only(services: list[str], what: str) -> str:
    if len(services) != 1:
        raise LookupError(f"{what} is of {services or 'no service'}: call its client otherwise")
    return services[0]


def _module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
