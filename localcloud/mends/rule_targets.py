"""EventBridge: a target that cannot be reached sends its event to the target's dead-letter queue."""

import json
import logging
from typing import Any

from ministack.services import eventbridge, lambda_svc

from localcloud.mends import dead_letters
from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "rule_targets"
_log = logging.getLogger("localcloud.rules")


def mend(settings: Settings) -> None:
    """Refuse functions that are gone or do not permit the rule, and keep the event.

    AWS: EventBridge invokes a function asynchronously; where that is impossible (no such function,
    no permission for events.amazonaws.com in its policy) the event goes to the DeadLetterConfig
    queue of the target, at once for errors that retrying cannot heal (EventBridge user guide,
    "Retrying event delivery", "Using dead-letter queues"). Errors inside the function are Lambda's
    business: see `async_invocations`.
    MiniStack 1.5.33: logs a warning and drops the event; never looks at the function's policy.
    """
    del settings
    dead_letters.require_patch_points()
    invoke = require(MEND, eventbridge, "_invoke_target", "_dispatch_to_lambda(arn, event_payload)")
    require(MEND, eventbridge, "_pattern_event_view")

    @wraps(invoke)
    def invoke_target(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        problem = _problem(target.get("Arn", ""), rule)
        if problem is None:
            invoke(target, event, rule, view)
            return
        view = view or eventbridge._pattern_event_view(event)
        _bury(target, json.dumps(view.event_with_detail()), rule, problem)

    eventbridge._invoke_target = invoke_target


def _problem(target_arn: str, rule: dict[str, Any]) -> tuple[str, str] | None:
    """Return AWS's error code and a sentence when the target cannot be invoked."""
    if ":lambda:" not in target_arn:
        return None
    base, _config, name = lambda_svc._get_base_func_record_for_ref(target_arn)
    if base is None:
        return "RESOURCE_NOT_FOUND", f"Function not found: {target_arn}"
    statements = (base.get("policy") or {}).get("Statement", [])
    if not permits(statements, rule.get("Arn", "")):
        return "NO_PERMISSIONS", f"User: events.amazonaws.com is not authorized to invoke function {name}"
    return None


def permits(statements: list[dict[str, Any]], source_arn: str, service: str = "events.amazonaws.com") -> bool:
    """Tell whether a function's policy lets *service* invoke it for *source_arn*, such as a rule."""
    return any(
        statement.get("Effect") == "Allow"
        and statement.get("Action") in ("lambda:InvokeFunction", "lambda:*")
        and _is_for(service, statement.get("Principal"))
        and _source_matches(statement.get("Condition") or {}, source_arn)
        for statement in statements
    )


def _is_for(service: str, principal: Any) -> bool:
    services = principal.get("Service") if isinstance(principal, dict) else principal
    return services in (service, "*") or service in (services or [])


def _source_matches(condition: dict[str, Any], source_arn: str) -> bool:
    from ministack.core.iam_evaluator import fnmatch_iam

    wanted = [
        value
        for operator in ("ArnLike", "ArnEquals", "StringEquals", "StringLike")
        for key, value in (condition.get(operator) or {}).items()
        if key.lower() == "aws:sourcearn"
    ]
    return all(fnmatch_iam(source_arn, pattern) for pattern in wanted)


def _bury(target: dict[str, Any], event: str, rule: dict[str, Any], problem: tuple[str, str]) -> None:
    code, reason = problem
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    _log.warning("rule %s does not reach %s: %s", rule.get("Name"), target.get("Arn"), reason)
    if queue:
        letter = dead_letters.rule_letter(event, rule.get("Arn", ""), target.get("Arn", ""), code, reason)
        dead_letters.deliver(queue, letter)
