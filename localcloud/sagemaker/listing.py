"""The List operations: filters, order and pages, the same for every kind of resource."""

import base64
import json
from typing import Any, Final

from localcloud.sagemaker import errors
from localcloud.sagemaker.store import (
    MODEL_PACKAGE,
    MODEL_PACKAGE_GROUP,
    PROCESSING_JOB,
    TRAINING_JOB,
    Kind,
    Row,
)

_DEFAULT_PAGE: Final = 10
# Lists that are ascending when nothing is said (API reference).
_ASCENDING: Final = (TRAINING_JOB, PROCESSING_JOB, MODEL_PACKAGE, MODEL_PACKAGE_GROUP)
# What filters ask for that no row here has: a warm pool, a training plan, a group of another account's.
_ELSEWHERE: Final = (
    ("WarmPoolStatusEquals", None),
    ("TrainingPlanArnEquals", None),
    ("CrossAccountFilterOption", "SameAccount"),
)
_TIME_FILTERS: Final = {
    "CreationTimeAfter": ("CreationTime", 1),
    "CreationTimeBefore": ("CreationTime", -1),
    "LastModifiedTimeAfter": ("LastModifiedTime", 1),
    "LastModifiedTimeBefore": ("LastModifiedTime", -1),
}


def list_page(kind: Kind, rows: list[Row], request: Row) -> tuple[list[Row], str | None]:
    """Return one page of the rows a List request asks for, and the token of the next page.

    The token remembers the last row rather than a count, so rows that come or go between two
    requests neither repeat nor hide others.
    """
    wanted = [row for row in rows if _is_wanted(kind, row, request)]
    default_order = "Ascending" if kind in _ASCENDING else "Descending"
    descending = request.get("SortOrder", default_order) == "Descending"
    wanted.sort(key=lambda row: _position(kind, row, request), reverse=descending)
    if token := request.get("NextToken"):
        last = _decode(token)
        wanted = [
            row
            for row in wanted
            if (_position(kind, row, request) < last if descending else _position(kind, row, request) > last)
        ]
    size = int(request.get("MaxResults") or _DEFAULT_PAGE)
    page = wanted[:size]
    more = len(wanted) > size
    return page, _encode(_position(kind, page[-1], request)) if more else None


def _is_wanted(kind: Kind, row: Row, request: Row) -> bool:
    if any(request.get(name) not in (None, here) for name, here in _ELSEWHERE):
        return False
    part = (request.get("NameContains") or "").lower()
    if part not in row[kind.name_member].lower():
        return False
    status = request.get("StatusEquals")
    if status and kind.status_member and row[kind.status_member] != status:
        return False
    return _is_in_time(row, request)


def _is_in_time(row: Row, request: Row) -> bool:
    return all(
        request.get(name) is None or (row[member] - request[name]) * sign > 0
        for name, (member, sign) in _TIME_FILTERS.items()
    )


def _position(kind: Kind, row: Row, request: Row) -> tuple[Any, str]:
    member = {"Name": kind.name_member, "Status": kind.status_member}.get(request.get("SortBy", ""))
    return row[member or "CreationTime"], row[kind.name_member]


def _encode(position: tuple[Any, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _decode(token: str) -> tuple[Any, str]:
    try:
        value, name = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise errors.validation("Invalid pagination token.") from error
    return value, name
