"""Every member that AWS's requests may have is done by the local SageMaker, or told to be refused, kept or without effect."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.sagemaker import members, model
from localcloud.sagemaker.errors import ApiError

SOURCES = Path(members.__file__).parent
# Operations of the control plane and of the data plane, as the README's table has them.
OPERATIONS = sorted(
    name
    for line in (SOURCES / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
    for name in re.findall(r"`(\w+)`", line.split("|")[1])
)


def paths(operation: str) -> list[str]:
    """Return every member of a request, and of what it is made of; lists are passed through."""
    runtime = operation in model.runtime_model().operation_names
    service = model.runtime_model() if runtime else model.service_model()
    return list(_paths(service.operation_model(operation).input_shape, "", ()))


def _paths(shape: Any, at: str, within: tuple[str, ...]) -> Iterator[str]:
    if shape is None or shape.name in within:
        return
    if shape.type_name == "list":
        yield from _paths(shape.member, at, within)
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield f"{at}{name}"
            yield from _paths(member, f"{at}{name}.", (*within, shape.name))


def told(operation: str) -> list[str]:
    lists = (members.REFUSED, members.WITHOUT_EFFECT, members.KEPT)
    return [path for each in lists for path in each.get(operation, ())]


def headers(operation: str) -> dict[str, str]:
    """Return what the code calls the members that an invocation has in its headers."""
    if operation not in model.runtime_model().operation_names:
        return {}
    shape: Any = model.runtime_model().operation_model(operation).input_shape
    return {
        name: str(member.serialization["name"]).lower().removeprefix("x-amzn-sagemaker-")
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }


@pytest.fixture(scope="module")
def words() -> set[str]:
    """Every word of the code; names that are put together of a kind and `Name` or `Arn` are those of KINDS."""
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py") if path.name != "members.py"]
    found = {word for text in texts for word in re.findall(r"[\w-]+", text)}
    found |= {word.removeprefix("x-amzn-sagemaker-") for word in found}
    return found | {f"{word}{end}" for word in found for end in ("Name", "Arn")}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_is_done_or_told(operation: str, words: set[str]) -> None:
    listed, spelled = told(operation), headers(operation)
    unheard = [
        path
        for path in paths(operation)
        if not any(path == one or path.startswith(f"{one}.") for one in listed)
        and spelled.get(path, path.rpartition(".")[2]) not in words
    ]
    assert unheard == []


@pytest.mark.parametrize("operation", sorted({*members.REFUSED, *members.WITHOUT_EFFECT, *members.KEPT}))
def test_what_is_told_is_awss_own_and_told_once(operation: str) -> None:
    listed = told(operation)
    assert [path for path in listed if path not in paths(operation)] == []
    assert len(set(listed)) == len(listed)


def request_with(path: str) -> dict[str, Any]:
    """Return a request that has the member, as the element of a list wherever it may be one."""
    value: Any = "something"
    for name in reversed(path.split(".")):
        value = {name: value if isinstance(value, str) else [value]}
    return dict(value)


@pytest.mark.parametrize(
    ("operation", "path"),
    [(operation, path) for operation in members.REFUSED for path in members.REFUSED[operation]],
)
def test_what_is_refused_is_refused_wherever_it_stands(operation: str, path: str) -> None:
    with pytest.raises(ApiError, match=rf"The local SageMaker cannot do this: {re.escape(path)}: "):
        members.refuse(operation, request_with(path))


@pytest.mark.parametrize("value", [None, [], {}, ""])
def test_a_member_without_a_value_asks_for_nothing(value: Any) -> None:
    members.refuse("CreateTrainingJob", {"MlflowConfig": value, "InputDataConfig": value})
