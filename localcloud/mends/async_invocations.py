"""Lambda: asynchronous invocations go through one bounded, persistent queue."""

import json
import logging
import time
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eventbridge, lambda_svc

from localcloud.delivery_faults import DeliveryFaults
from localcloud.invocations import (
    Invocation,
    InvocationQueue,
    Outcome,
    RetryPolicy,
    Run,
    Target,
    load,
    save,
)
from localcloud.mends import dead_letters, log_subscriptions
from localcloud.mends.patch_points import require
from localcloud.settings import ACCOUNT_ID, REGION, Settings

MEND = "async_invocations"
# Long enough for runs of a few seconds; what needs more is kept on disk, so a stop stays short.
DRAIN_S = 10.0

_log = logging.getLogger("localcloud.async")


def mend(settings: Settings) -> "AsyncInvocations":
    """Queue what EventBridge, S3, SNS and `InvocationType=Event` hand to functions.

    AWS: an internal queue; a failed run is tried twice more after one and two minutes, a throttled
    one for up to six hours; then the event goes to the function's OnFailure destination or
    dead-letter queue (developer guide, "Error handling for asynchronous invocation").
    MiniStack 1.5.33: retries for S3 and `Event`, but EventBridge tries once and drops; each event
    gets a thread and a worker at once, so 100 uploads start 100 interpreters (measured).
    Here: `async_concurrency` runs at a time, pauses of `async_retry_base_s` and twice that. A
    graceful stop lets the queue run out for 10 s; what is left is written to
    `state/invocations.json` and queued again at the next start (at least once, as in AWS).
    """
    require(MEND, lambda_svc, "invoke_async_with_retry", "max_retries = 2", "_route_async_failure(")
    require(MEND, lambda_svc, "_invoke", "invoke_async_with_retry(exec_record, event)")
    require(MEND, eventbridge, "_dispatch_to_lambda", "lambda_svc._execute_function_with_config_scope, args=")
    require(
        MEND, lambda_svc, "_route_async_failure", "target_arn: str, func_name: str, event: dict, result: dict"
    )
    require(MEND, lambda_svc, "_event_invoke_config")
    invocations = AsyncInvocations(settings)
    lambda_svc.invoke_async_with_retry = invocations.accept
    eventbridge._dispatch_to_lambda = invocations.accept_from_rule
    return invocations


class AsyncInvocations:
    """The queue between MiniStack's services and its Lambda."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.home.state / "invocations.json"
        self.faults = DeliveryFaults(settings.delivery_faults)
        self.queue = InvocationQueue(
            Target(run=self._run, give_up=_give_up),
            concurrency=settings.async_concurrency,
            retry_base_s=settings.async_retry_base_s,
        )

    def start(self) -> None:
        """Queue again what the last stop left over, and begin."""
        for invocation in load(self._file):
            self.queue.put(invocation)
        self.queue.start()

    def drain(self) -> None:
        """Run out for a while; start nothing more."""
        log_subscriptions.DELIVERIES.flush()
        self.queue.stop(DRAIN_S)

    def save(self) -> int:
        """Write down what is unfinished, at any time; return how many."""
        return save(self.queue.unfinished, self._file)

    def keep(self) -> None:
        """Write down what is unfinished; the last thing before the process ends."""
        count = self.save()
        if count:
            _log.warning("%d asynchronous invocations are kept for the next start", count)

    def accept(self, record: dict[str, Any], event: Any) -> None:
        """Take an event for a function; stands in for MiniStack's `invoke_async_with_retry`."""
        config = record.get("config") or record
        self._put(config["FunctionArn"], event)

    def accept_from_rule(self, arn: str, payload: str) -> None:
        """Take an event of a rule; LookupError when the function does not exist."""
        _record, config, name = lambda_svc._get_func_record_for_ref(arn)
        if config is None:
            raise LookupError(f"function {name} does not exist")
        self._put(arn, json.loads(payload))

    def _put(self, arn: str, event: Any) -> None:
        source = event.get("source", "") if isinstance(event, dict) else ""
        now = time.time()
        for after_s in self.faults.of_delivery(_name_of(arn), str(source)).arrivals_s:
            self.queue.put(Invocation(function_arn=arn, event=event, accepted_at=now), now + after_s)

    def _run(self, invocation: Invocation) -> Run:
        fate = self.faults.of_run(_name_of(invocation.function_arn))
        if fate.fails_before:
            return _made_to_fail(invocation, "before the function began")
        run = _run(invocation)
        return _made_to_fail(invocation, "after the function ended") if fate.fails_after else run


def _name_of(arn: str) -> str:
    return arn.rsplit(":function:", maxsplit=1)[-1]


def _made_to_fail(invocation: Invocation, when: str) -> Run:
    """Return the failure of a run that a test's fault has hit."""
    policy = _policy(_settings_of_own_account(invocation.function_arn))
    failure = {"errorType": "InjectedFault", "errorMessage": f"a test made this run fail {when}"}
    return Run(outcome=Outcome.FAILED, policy=policy, result={"error": True, "body": failure})


def _settings_of_own_account(arn: str) -> dict[str, Any]:
    with request_scope(ACCOUNT_ID, REGION):
        return _settings_of(arn)


def _run(invocation: Invocation) -> Run:
    """Run the function once, in the account of the local cloud."""
    with request_scope(ACCOUNT_ID, REGION):
        record, config, _name = lambda_svc._get_func_record_for_ref(invocation.function_arn)
        if record is None or config is None:
            return Run(outcome=Outcome.FAILED, policy=RetryPolicy(max_retries=0))
        policy = _policy(_settings_of(invocation.function_arn))
        execution = lambda_svc._execution_record_for_config(record, config)
        try:
            result = lambda_svc._execute_function_with_config_scope(execution, invocation.event)
        except Exception as error:  # noqa: BLE001 - the supervisor of the queue's threads
            _log.exception("asynchronous invocation of %s", invocation.function_arn)
            failure = {"errorMessage": str(error), "errorType": type(error).__name__}
            result = {"error": True, "body": failure}
        return Run(outcome=_outcome(result), policy=policy, result=result)


def _outcome(result: dict[str, Any]) -> Outcome:
    if result.get("throttle"):
        return Outcome.THROTTLED
    return Outcome.FAILED if result.get("error") else Outcome.DONE


def _settings_of(arn: str) -> dict[str, Any]:
    """Return the function's EventInvokeConfig; it hangs on the function, not on its versions."""
    base, _config, _name = lambda_svc._get_base_func_record_for_ref(arn)
    parts = arn.split(":")
    qualifier = parts[7] if len(parts) > 7 else None
    found: dict[str, Any] = lambda_svc._event_invoke_config(base or {}, qualifier) or {}
    return found


def _policy(settings: dict[str, Any]) -> RetryPolicy:
    """Read the retry settings; a retry count of 0 is a value."""
    default = RetryPolicy()
    retries = settings.get("MaximumRetryAttempts")
    return RetryPolicy(
        max_retries=default.max_retries if retries is None else int(retries),
        max_age_s=int(settings.get("MaximumEventAgeInSeconds") or default.max_age_s),
    )


def _give_up(invocation: Invocation, run: Run) -> None:
    """Send the event to the function's OnFailure destination and to its dead-letter queue."""
    arn, event, result = invocation.function_arn, invocation.event, run.result or {}
    with request_scope(ACCOUNT_ID, REGION):
        _record, config, name = lambda_svc._get_func_record_for_ref(arn)
        destination = _on_failure(_settings_of(arn))
        queue = _dead_letter_queue(config)
        if destination:
            record = dead_letters.invocation_record(arn, event, result, runs=invocation.attempt + 1)
            dead_letters.deliver(destination, record)
        if queue:
            dead_letters.deliver(queue, dead_letters.function_letter(event, result))
        if not (destination or queue):
            _log.warning("event for %s is dropped: no OnFailure destination, no dead-letter queue", name)


def _on_failure(settings: dict[str, Any]) -> str | None:
    """Return the OnFailure destination of an EventInvokeConfig."""
    found: str | None = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return found


def _dead_letter_queue(config: dict[str, Any] | None) -> str | None:
    """Return the DeadLetterConfig target of a function; None also when the function is gone."""
    found: str | None = ((config or {}).get("DeadLetterConfig") or {}).get("TargetArn")
    return found
