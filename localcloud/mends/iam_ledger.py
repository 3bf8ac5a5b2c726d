"""IAM: what each role asked for and was told, written down where a test asks for it."""

import contextvars
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from ministack.core import iam_evaluator

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "iam_ledger"


class Entry(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One decision, written once however often it was made.

    Attributes
    ----------
    session
        Of the assumed role: a function's name, a job's, or what a person chose.
    context
        The condition keys that the role's policies name, as JSON: with them the decision can be made again.
    """

    role: str
    session: str
    action: str
    resource: str
    allowed: bool
    context: str = "{}"


def mend(settings: Settings) -> None:
    """Write every decision about an assumed role to `settings.iam_ledger`; nothing without it.

    AWS: CloudTrail and IAM Access Analyzer tell which grants of a role were used (IAM user guide, "Refine
    permissions in AWS using last accessed information").
    MiniStack 1.5.33: `enforce` answers None or a refusal and keeps nothing.
    """
    enforce = require(MEND, iam_evaluator, "enforce", "result = evaluate(ctx, principal.policies")
    evaluate = require(MEND, iam_evaluator, "evaluate", "ctx: EvalContext")
    if settings.iam_ledger is None:
        return
    ledger = Ledger(settings.iam_ledger)
    asked: contextvars.ContextVar[list[Entry] | None] = contextvars.ContextVar("asked", default=None)

    @wraps(evaluate)
    def evaluate_and_tell(ctx: Any, policies: Any, *limits: Any) -> Any:
        if (found := asked.get()) is not None and ctx.principal_type == "AssumedRole":
            found.append(entry_of(ctx, policies))
        return evaluate(ctx, policies, *limits)

    @wraps(enforce)
    def enforce_and_note(*arguments: Any, **options: Any) -> Any:
        found: list[Entry] = []
        token = asked.set(found)
        try:
            refusal = enforce(*arguments, **options)
        finally:
            asked.reset(token)
        # A resource's own policy is evaluated too; the first is the question itself.
        for entry in found[:1]:
            ledger.note(msgspec.structs.replace(entry, allowed=refusal is None))
        return refusal

    iam_evaluator.evaluate = evaluate_and_tell
    iam_evaluator.enforce = enforce_and_note


def entry_of(ctx: Any, policies: Iterable[Iterable[Any]]) -> Entry:
    """Return the question that MiniStack's evaluation is asked, not answered yet."""
    _, _, role_and_session = ctx.principal_arn.partition(":assumed-role/")
    role, _, session = role_and_session.partition("/")
    named = {key.lower() for key in condition_keys(policies)}
    context = {key: value for key, value in sorted(ctx.service_context.items()) if key in named}
    return Entry(
        role=role,
        session=session,
        action=ctx.action,
        resource=ctx.resource_arn,
        allowed=False,
        context=msgspec.json.encode(context).decode(),
    )


def condition_keys(policies: Iterable[Iterable[Any]]) -> Iterable[str]:
    """Yield the keys that conditions of the policies name."""
    for statements in policies:
        for statement in statements:
            for block in statement.conditions.values():
                yield from block


class Ledger:
    """Appends entries it has not seen to a file, one JSON object a line, at once: a killed server loses none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: set[Entry] = set()

    def note(self, entry: Entry) -> None:
        """Write the entry unless it is written."""
        with self._lock:
            if entry in self._seen:
                return
            self._seen.add(entry)
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(entry) + b"\n")
