"""What a web ACL does with a request: its rules by priority, the first that lets through or blocks decides.

Of AWS WAF's statements those that we use: rate by address, lists of addresses, sizes. Groups that AWS manages match
nothing here: what is in them is AWS's secret. Pure but for the counts of `Rates`.
"""

import ipaddress
import operator
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

DEFAULT_WINDOW_S = 300
_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    **{"GT": operator.gt, "GE": operator.ge, "LT": operator.lt, "LE": operator.le},
    **{"EQ": operator.eq, "NE": operator.ne},
}
# After any other action (Count) the next rules are asked.
_TERMINATING = frozenset({"Allow", "Block"})
_CONTENT_TYPES = {
    "APPLICATION_JSON": "application/json",
    "TEXT_PLAIN": "text/plain",
    "TEXT_HTML": "text/html",
}
# What CloudFront sends for a request that its web ACL blocks without words of its own.
_BLOCKED = b"<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>Request blocked.</BODY></HTML>"

Answer = tuple[int, dict[str, Any], bytes]
WebAcl = Mapping[str, Any]


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at."""

    address: str
    path: str
    query: str
    body: bytes


class Rates:
    """The requests of each address in the window of each rate rule."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], deque[float]] = {}

    def count(self, rule: str, address: str, window_s: int) -> int:
        """Count one more request, and return how many there were in the window."""
        now = self._clock()
        seen = self._seen.setdefault((rule, address), deque())
        seen.append(now)
        while seen[0] <= now - window_s:
            seen.popleft()
        return len(seen)


def refuse(acl: WebAcl, viewer: Viewer, lists: Mapping[str, list[str]], rates: Rates) -> Answer | None:
    """Return what a blocked request is answered, None for one that goes through.

    Parameters
    ----------
    lists
        The addresses of each IP set, by its ARN.
    """
    action = _deciding_action(acl, viewer, lists, rates)
    return _answer(acl, action["Block"] or {}) if "Block" in action else None


def _deciding_action(
    acl: WebAcl, viewer: Viewer, lists: Mapping[str, list[str]], rates: Rates
) -> Mapping[str, Any]:
    """Return what the first rule does that matches and ends the matter, else what the ACL does by default."""
    for rule in sorted(acl.get("Rules") or [], key=lambda rule: int(rule["Priority"])):
        # A group of rules has an override instead of an action.
        action: Mapping[str, Any] = rule.get("Action") or {}
        if action and _matches(rule, viewer, lists, rates) and _TERMINATING & action.keys():
            return action
    default: Mapping[str, Any] = acl["DefaultAction"]
    return default


def _matches(rule: Mapping[str, Any], viewer: Viewer, lists: Mapping[str, list[str]], rates: Rates) -> bool:
    statement = rule["Statement"]
    if rate := statement.get("RateBasedStatement"):
        window_s = int(rate.get("EvaluationWindowSec") or DEFAULT_WINDOW_S)
        return rates.count(rule["Name"], viewer.address, window_s) > int(rate["Limit"])
    if reference := statement.get("IPSetReferenceStatement"):
        # The API spells it ARN, a template Arn.
        arn = reference.get("ARN") or reference["Arn"]
        return _is_listed(viewer.address, lists.get(arn, []))
    if size := statement.get("SizeConstraintStatement"):
        return _COMPARISONS[size["ComparisonOperator"]](
            _size(size["FieldToMatch"], viewer), int(size["Size"])
        )
    return False


def _is_listed(address: str, networks: list[str]) -> bool:
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(network) for network in networks)


def _size(field: Mapping[str, Any], viewer: Viewer) -> int:
    if "QueryString" in field:
        return len(viewer.query.encode())
    return len(viewer.path.encode()) if "UriPath" in field else len(viewer.body)


def _answer(acl: WebAcl, block: Mapping[str, Any]) -> Answer:
    custom = block.get("CustomResponse") or {}
    headers = {one["Name"]: one["Value"] for one in custom.get("ResponseHeaders") or []}
    words = (acl.get("CustomResponseBodies") or {}).get(custom.get("CustomResponseBodyKey", ""))
    status = int(custom.get("ResponseCode", 403))
    if words is None:
        return status, {"Content-Type": "text/html", **headers}, _BLOCKED
    return (
        status,
        {"Content-Type": _CONTENT_TYPES[words["ContentType"]], **headers},
        words["Content"].encode(),
    )
