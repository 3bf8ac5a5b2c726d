"""The limits of an account that a stage runs into first. A new account may have less than AWS's documented defaults."""

from typing import Any

import msgspec

from infra.planning.rows import Quota
from infra.stage import Stage

# Codes as Service Quotas has them; they are the same in every region.
NEEDED = (
    Quota(
        service="lambda",
        code="L-B99A9384",
        name="Concurrent executions",
        needed=20,
        short_means="calls are throttled: answers 429 or 503, and events that come late",
    ),
    Quota(
        service="sagemaker",
        code="L-611FA074",
        name="ml.m5.large for training job usage",
        needed=1,
        short_means="training jobs stay PENDING, with the quota as their waiting reason",
    ),
    Quota(
        service="sagemaker",
        code="L-29688C85",
        name="ml.m5.large for spot training job usage",
        needed=1,
        short_means="jobs of pipelines with `train.spot: true` stay PENDING; others need it not",
    ),
    Quota(
        service="sagemaker",
        code="L-8541302D",
        name="ml.m5.large for processing job usage",
        needed=1,
        short_means="uploads over 1 GiB stay VALIDATING",
    ),
    Quota(
        service="sagemaker",
        code="L-96300102",
        name="Maximum total concurrency that can be allocated across all serverless endpoints",
        needed=15,
        short_means="releases end FAILED: live, previous and candidate take 5 each, per pipeline",
    ),
    Quota(
        service="sagemaker",
        code="L-614B09FD",
        name="ml.m5.large for endpoint usage",
        needed=2,
        short_means="releases of pipelines with `release.endpoint: realtime` end FAILED; others need it not",
    ),
)


def ask(stage: Stage) -> list[Quota]:
    """Return the quotas as the account has them; those it does not tell stay unknown."""
    client = stage.client("service-quotas")
    return [msgspec.structs.replace(one, found=_found(client, one)) for one in NEEDED]


def _found(client: Any, quota: Quota) -> float | None:
    from botocore.exceptions import ClientError

    which = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        return float(client.get_service_quota(**which)["Quota"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            return None
    # An account that nothing was ever changed in has no value of its own.
    try:
        return float(client.get_aws_default_service_quota(**which)["Quota"]["Value"])
    except ClientError:
        return None
