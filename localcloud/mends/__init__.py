"""What MiniStack does differently from AWS, mended: one module per concern, one table.

Each mend says in its docstring what AWS does, what MiniStack does and how we know; at start-up it
first makes sure that the code it replaces is the code it was written for.
"""

from collections.abc import Callable

from localcloud.mends import (
    alarms,
    api_metrics,
    async_invocations,
    cloudformation_properties,
    cloudfront_origins,
    copy_conditions,
    deploy_waits,
    event_sources,
    gateway_errors,
    iam_ledger,
    lambda_code,
    lambda_environment,
    lambda_failures,
    lambda_idle,
    lambda_limits,
    lambda_logs,
    lambda_metrics,
    lambda_trees,
    lambda_worker,
    large_objects,
    log_keys,
    log_metrics,
    log_subscriptions,
    managed_keys,
    metric_store,
    object_events,
    resource_tags,
    rest_import,
    rule_targets,
    service_names,
    upload_parts,
    version_ranges,
    web_acls,
)
from localcloud.mends.async_invocations import AsyncInvocations
from localcloud.mends.patch_points import MINISTACK_VERSION, require_version
from localcloud.settings import Settings

__all__ = ["MENDS", "MINISTACK_VERSION", "AsyncInvocations", "apply", "names"]

# Order matters where two mends wrap the same function: the later one is the outer one.
MENDS: tuple[tuple[str, Callable[[Settings], object]], ...] = tuple(
    (module.MEND, module.mend)
    for module in (
        rest_import,
        gateway_errors,
        deploy_waits,
        lambda_code,
        lambda_worker,
        lambda_failures,
        lambda_environment,
        lambda_trees,
        lambda_idle,
        lambda_limits,
        lambda_logs,
        metric_store,
        lambda_metrics,
        api_metrics,
        alarms,
        object_events,
        rule_targets,
        log_subscriptions,
        log_metrics,
        log_keys,
        copy_conditions,
        managed_keys,
        version_ranges,
        large_objects,
        upload_parts,
        event_sources,
        iam_ledger,
        resource_tags,
        service_names,
        cloudfront_origins,
        web_acls,
        cloudformation_properties,
    )
)


def apply(settings: Settings) -> AsyncInvocations:
    """Apply all mends; return the queue of asynchronous invocations, which the server starts and stops."""
    require_version()
    for _name, mend in MENDS:
        mend(settings)
    return async_invocations.mend(settings)


def names() -> list[str]:
    """Return the mends in the order they are applied."""
    return [name for name, _mend in MENDS] + [async_invocations.MEND]
