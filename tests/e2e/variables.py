"""Variables of deployed functions, changed for a while as an operator would in the console."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.stage import Stage


@contextmanager
def variables(stage: Stage, functions: Iterable[str], **changed: str) -> Iterator[None]:
    """Give *functions*, by their whole names, other variables for a block."""
    lambdas, names = stage.aws("lambda"), list(functions)
    before = [
        lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"] for name in names
    ]
    for name, own in zip(names, before, strict=True):
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": own | changed})
    try:
        yield
    finally:
        for name, own in zip(names, before, strict=True):
            lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": own})


def functions_of(stage: Stage, service: str) -> list[str]:
    """Return the names of a service's functions."""
    pages = stage.aws("lambda").get_paginator("list_functions").paginate()
    names = [one["FunctionName"] for page in pages for one in page["Functions"]]
    return [name for name in names if name.startswith(f"headrace-{service}-local")]
