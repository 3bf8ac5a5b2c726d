"""Requests that schemathesis makes of the OpenAPI document: as it says they may be, and as it says they may not."""

from collections.abc import Iterator
from typing import Any

import msgspec
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.hostile.requests.attacks import Attack

ORIGIN = "http://origin"
KINDS = {
    GenerationMode.POSITIVE: "any request that the document allows",
    GenerationMode.NEGATIVE: "any request that the document forbids",
}


def schema_attacks(document: dict[str, Any], names: dict[str, str], *, per_route: int) -> Iterator[Attack]:
    """Yield up to *per_route* requests of each kind for each documented route; *names* fill some paths."""
    found: Any = schemathesis.openapi.from_dict(document).get_all_operations()
    for operation in (one.ok() for one in found):
        # Only what changes nothing goes at a pipeline that exists.
        harmless = operation.method == "get" or operation.path.endswith("/infer")
        wanted = {name: value for name, value in names.items() if "{" + name + "}" in operation.path}
        fixed: dict[str, Any] = {"path_parameters": wanted} if harmless and wanted else {}
        for mode in GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode, **fixed)
            yield from (
                msgspec.structs.replace(attack, kinds=frozenset({KINDS[mode]}))
                for attack in _attacks(strategy, per_route)
            )


def _attacks(strategy: Any, count: int) -> list[Attack]:
    made: list[Attack] = []

    @seed(count)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def gather(case: Any) -> None:
        made.append(_attack(case))

    try:
        gather()
    except Unsatisfiable:
        # A route without parameters has no request that its document forbids.
        return []
    return made[:count]


def _attack(case: Any) -> Attack:
    arguments = case.as_transport_kwargs(base_url=ORIGIN)
    known = ("method", "url", "headers", "params", "json", "data", "cookies")
    request: Any = requests.Request(
        **{name: arguments[name] for name in known if name in arguments}
    ).prepare()
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    kept = ("content-type", "accept")
    headers = {name: str(value) for name, value in request.headers.items() if name.lower() in kept}
    return Attack(method=request.method, target=request.path_url, headers=headers, body=body)
