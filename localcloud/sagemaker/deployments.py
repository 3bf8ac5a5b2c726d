"""UpdateEndpoint: a second fleet beside the first, traffic moved in steps, and back when it fails or an alarm goes off.

AWS calls the fleet that serves blue and the new one green. An update that fails leaves the endpoint InService with the old
configuration and a FailureReason, which is easy to overlook: who updates must compare the name of the configuration.
Here both fleets stand until the end, also of a rolling update: a fleet is one process a variant, not one an instance. So
whatever its RollbackMaximumBatchSize, traffic goes back at once.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.sagemaker import credentials, deployment_policies, endpoint_rows
from localcloud.sagemaker.fleets import Fleet, Fleets
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import Row, scope_of

_LOOK_EVERY_S: Final = 0.2


class Deployment:
    """One update of an endpoint, from the first new process to the end of the last old one."""

    def __init__(
        self,
        wanted: Row,
        config: Row,
        *,
        fleets: Fleets,
        green: Fleet,
        edit: Callable[[Callable[[Row], None]], Row],
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._wanted, self._config, self._settings = wanted, config, settings
        self._clock, self._pause = clock, pause
        self._fleets, self._green, self._edit = fleets, green, edit
        self._arn: str = wanted["EndpointArn"]
        alarms = (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or []
        self._alarms = [alarm["AlarmName"] for alarm in alarms]
        self._limit_s = deployment_policies.time_limit_s(config)
        self._began_at = clock()

    def run(self) -> None:
        """Bring the new fleet up, move the traffic, end the old fleet; or end the new one and say why."""
        blue = self._fleets.serving(self._arn)
        self._stage("Creating", "The new fleet is being created")
        reason = self._fleets.start(self._arn, self._green) or self._shift(blue)
        if self._fleets.is_closing:
            return
        if reason is None:
            self._finish()
            for fleet in blue:
                self._fleets.retire(fleet, self._settings.invoke_timeout_s)
        else:
            self._roll_back(blue, reason)

    def _shift(self, blue: list[Fleet]) -> str | None:
        """Move the traffic step by step; return why it must go back."""
        for step in deployment_policies.steps(self._config, self._green.variants):
            old = [(fleet, 1 - step.share) for fleet in blue if step.share < 1]
            self._fleets.route(self._arn, (self._green, step.share), *old)
            self._stage(step.status, step.message)
            if reason := self._watch(step.wait_s):
                return reason
        return None

    def _watch(self, wait_s: float) -> str | None:
        """Wait; return what happens meanwhile that the update must not survive."""
        deadline = self._clock() + wait_s
        while True:
            if reason := self._alarm() or self._overdue():
                return reason
            left_s = deadline - self._clock()
            if left_s <= 0 or self._fleets.is_closing:
                return None
            self._pause(min(left_s, _LOOK_EVERY_S))

    def _overdue(self) -> str | None:
        """Tell that the update has taken longer than its policy gives it, its start included."""
        if self._limit_s is None or self._clock() - self._began_at <= self._limit_s:
            return None
        return (
            f"The deployment was rolled back: it exceeded MaximumExecutionTimeoutInSeconds ({self._limit_s})."
        )

    def _alarm(self) -> str | None:
        """Tell of the first alarm that is in ALARM, or why nobody knows; the execution role must be allowed to look."""
        if not self._alarms:
            return None
        model = next(iter(self._wanted["_Models"].values()))
        session = credentials.assume_role(
            model["ExecutionRoleArn"], "SageMaker", scope_of(self._arn), self._settings.endpoint_url
        )
        try:
            found: dict[str, Any] = session.client("cloudwatch").describe_alarms(
                AlarmNames=self._alarms, StateValue="ALARM"
            )
        except (ClientError, BotoCoreError) as error:
            return f"The deployment was rolled back: its alarms cannot be read: {error}"
        finally:
            session.forget()
        names = [alarm["AlarmName"] for alarm in found["MetricAlarms"]]
        return f"The deployment was rolled back: alarm {names[0]} is in ALARM." if names else None

    def _stage(self, status: str, message: str) -> None:
        summary = endpoint_rows.pending(self._wanted, status, message)
        self._edit(lambda row: row.update(PendingDeploymentSummary=summary))

    def _finish(self) -> None:
        own = ("EndpointConfigName", "_Variants", "_Shadows", "_Models", "_Capture", "AsyncInferenceConfig")
        members = {name: self._wanted[name] for name in own} | endpoint_rows.shown(self._wanted)
        members |= {"EndpointStatus": "InService", "LastDeploymentConfig": self._config or None}
        self._edit(lambda row: _settle(row, members))

    def _roll_back(self, blue: list[Fleet], reason: str) -> None:
        """Give all traffic back to the old fleet, and tell so."""
        if blue:
            self._fleets.route(self._arn, *((fleet, 1.0) for fleet in blue))
        self._edit(lambda row: row.update(EndpointStatus="RollingBack"))
        self._stage("Deleting", "The new fleet is being deleted")
        self._fleets.retire(self._green, self._settings.invoke_timeout_s)
        self._edit(lambda row: _settle(row, {"EndpointStatus": "InService", "FailureReason": reason}))


def _settle(row: Row, members: Row) -> None:
    row.pop("PendingDeploymentSummary", None)
    row.update(members)
