"""The call sites of the deployer, where clients are asked for by service and many calls are planned as data before they are made."""

import ast
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from botocore import xform_name

from docs.aws_errors.sites import ROOT, Site, model

SERVICES = (
    "apigateway",
    "cloudformation",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "kms",
    "lambda",
    "logs",
    "resourcegroupstaggingapi",
    "s3",
    "sagemaker",
    "secretsmanager",
    "service-quotas",
    "sns",
    "sqs",
    "sts",
    "wafv2",
)
# What holds a client that was handed on is called so.
_HANDED_ON = {
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "gateway": "apigateway",
    "iam": "iam",
    "lambdas": "lambda",
    "logs": "logs",
    "s3": "s3",
    "sagemaker": "sagemaker",
}
# In a waiter's words one operation is asked for again and again.
_WAITERS = {
    "distribution_deployed": "get_distribution",
    "function_updated_v2": "get_function",
    "table_exists": "describe_table",
    "table_not_exists": "describe_table",
}


def find() -> list[Site]:
    """Return every call site of the deployer, in order."""
    return sorted({site for path in (ROOT / "infra").rglob("*.py") for site in in_module(path)})


def in_module(path: Path) -> Iterator[Site]:
    """Yield the call sites of one module; what stands outside of functions is called by the name it is given."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    named, values = _services_named(tree), _values(tree)
    for function, node in _statements(tree):
        planned = dict(_planned(node, values | _values(node)))
        for service, operation in planned.keys() | set(_asked(node, named)):
            yield Site(
                service=service,
                operation=_operations(service)[operation],
                module=module,
                function=function,
                done_if=planned.get((service, operation)),
            )


def _statements(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for top in tree.body:
        for statement in top.body if isinstance(top, ast.ClassDef) else [top]:
            prefix = f"{top.name}." if isinstance(top, ast.ClassDef) else ""
            if isinstance(statement, ast.FunctionDef):
                yield prefix + statement.name, statement
            elif isinstance(statement, ast.Assign):
                yield prefix + ast.unparse(statement.targets[0]), statement


def _planned(
    node: ast.AST, values: Mapping[str, ast.expr]
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    """Yield service and operation of each call that is planned, with the errors that say it is done already."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        if ast.unparse(call.func) == "Call":
            words = _words(call, values)
            named = [_text(words.get(name)) for name in ("service", "operation")]
            if all(named):
                yield (named[0], named[1]), _texts(words.get("done_if"), values)
        elif ast.unparse(call.func).endswith("removed_by"):
            texts = _texts(ast.Tuple(elts=call.args), values)
            if len(texts) > 2 and texts[0] in SERVICES and texts[1] in _operations(texts[0]):
                yield (texts[0], texts[1]), texts[3:]
            elif len(texts) == 2 and texts[0] not in SERVICES:
                yield ("sagemaker", texts[0]), _gone_of_sagemaker()


def _words(call: ast.Call, values: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """Return the keywords of a call, also those of a named dictionary that is spread in it."""
    found = {}
    for keyword in call.keywords:
        spread = values.get(ast.unparse(keyword.value))
        if keyword.arg:
            found[keyword.arg] = keyword.value
        elif isinstance(spread, ast.Dict):
            found |= {_text(key): value for key, value in zip(spread.keys, spread.values, strict=True)}
    return found


def _asked(node: ast.AST, named: set[str]) -> Iterator[tuple[str, str]]:
    """Yield service and method of each call that is made at once."""
    here = _services_named(node) or named or set(SERVICES)
    holders = _holders(node, here)
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute):
            service = _client_of(one.value) or holders.get(ast.unparse(one.value), "")
            if service and one.attr in _operations(service):
                yield service, one.attr
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and "_" in one.value:
            method = _WAITERS.get(one.value, one.value)
            yield from ((service, method) for service in here if _is_only(method, service, here))


def _is_only(method: str, service: str, here: set[str]) -> bool:
    return [one for one in here if method in _operations(one)] == [service]


def _holders(node: ast.AST, here: set[str]) -> Mapping[str, str]:
    """Return which service's client each local name holds."""
    found = dict(_HANDED_ON)
    for one in ast.walk(node):
        if isinstance(one, ast.Assign):
            found |= {
                name.id: service
                for name, value in _pairs(one.targets[0], one.value)
                if (service := _client_of(value))
            }
        elif isinstance(one, ast.arg) and one.arg == "client" and len(here) == 1:
            found |= {"client": next(iter(here))}
    return found


def _values(node: ast.AST) -> dict[str, ast.expr]:
    assigned = [one for one in ast.walk(node) if isinstance(one, ast.Assign)]
    return {name.id: value for one in assigned for name, value in _pairs(one.targets[0], one.value)}


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.Name, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            if isinstance(one, ast.Name):
                yield one, other


def _client_of(node: ast.AST) -> str:
    """Return the service that `….client("service")` is asked for, empty for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client":
        first = node.args[0] if node.args else None
        return str(first.value) if isinstance(first, ast.Constant) else ""
    return ""


def _services_named(node: ast.AST) -> set[str]:
    return {service for one in ast.walk(node) if (service := _client_of(one)) in SERVICES}


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _texts(node: ast.expr | None, values: Mapping[str, ast.expr]) -> tuple[str, ...]:
    """Return the texts of a tuple, which may stand under a name or be spread in another."""
    if isinstance(node, ast.Name | ast.Starred):
        return _texts(values.get(ast.unparse(node).lstrip("*")), values)
    if isinstance(node, ast.Tuple):
        return tuple(text for one in node.elts for text in _texts(one, values))
    return (_text(node),) if _text(node) else ()


@functools.cache
def _gone_of_sagemaker() -> tuple[str, ...]:
    from infra.removal import sagemaker

    return sagemaker._GONE


@functools.cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name): str(name) for name in model(service).operation_names}
