"""What CloudWatch gets of each invocation: namespace AWS/SageMaker, by endpoint and variant.

Developer guide, "Amazon SageMaker AI metrics in Amazon CloudWatch", endpoint invocation metrics. Errors are 0 or 1 a request, so that their
average is a rate. What SageMaker refuses before a container sees it is not measured.
"""

from typing import Final

import msgspec

from localcloud.sagemaker.store import Scope

_NAMESPACE: Final = "AWS/SageMaker"


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a variant's container; `status` is its answer's, 0 where none came, `setup_s` is 0 where it was there."""

    endpoint: str
    variant: str
    status: int
    model_s: float
    overhead_s: float
    setup_s: float

    def values(self) -> dict[str, tuple[float, str]]:
        """Return the value and unit of each metric."""
        kind = self.status // 100
        values: dict[str, tuple[float, str]] = {
            "Invocations": (1, "None"),
            "InvocationsPerInstance": (1, "None"),
            "Invocation4XXErrors": (int(kind == 4), "None"),
            "Invocation5XXErrors": (int(kind == 5), "None"),
            "InvocationModelErrors": (int(kind != 2), "None"),
            "ModelLatency": (round(self.model_s * 1e6), "Microseconds"),
            "OverheadLatency": (round(self.overhead_s * 1e6), "Microseconds"),
        }
        if self.setup_s:
            values["ModelSetupTime"] = (round(self.setup_s * 1e6), "Microseconds")
        return values


def record(invocation: Invocation, scope: Scope) -> None:
    """Give the values of one invocation to CloudWatch, as of now."""
    from ministack.core.responses import request_scope
    from ministack.services import cloudwatch

    dimensions = {"EndpointName": invocation.endpoint, "VariantName": invocation.variant}
    # Metrics are kept per account and region, and whoever works off a queue has neither.
    with request_scope(scope.account, scope.region):
        for name, (value, unit) in invocation.values().items():
            cloudwatch.record_metric(_NAMESPACE, name, value, unit, dimensions)
