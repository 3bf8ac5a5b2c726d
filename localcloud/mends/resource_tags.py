"""The tagging API: it knows the tags of every service whose resources we tag."""

from collections.abc import Iterator

from ministack.core.responses import get_region
from ministack.services import apigateway_v1, cloudwatch_logs, tagging

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "resource_tags"
Tagged = tuple[str, list[dict[str, str]]]


def mend(settings: Settings) -> None:
    """Let GetResources tell of REST APIs, log groups and secrets.

    AWS: these are among the services of the tagging API ("Services that support the Resource Groups Tagging API").
    MiniStack 1.5.33: keeps their tags and leaves them out of GetResources (read). SageMaker's come with its plug-in.
    """
    del settings
    collectors = require(MEND, tagging, "_COLLECTORS")
    secrets = require(MEND, tagging, "_collect_secretsmanager", "svc._secrets.values()")
    require(MEND, apigateway_v1, "_v1_tags")
    require(MEND, cloudwatch_logs, "_log_groups")
    collectors.update(apigateway=_rest_apis, logs=_log_groups, secretsmanager=secrets)


def _rest_apis() -> Iterator[Tagged]:
    for arn, tags in apigateway_v1._v1_tags.items():
        # Kept by account alone; a region tells of its own.
        if arn.split(":")[3] == get_region():
            yield arn, _as_list(tags)


def _log_groups() -> Iterator[Tagged]:
    for group in cloudwatch_logs._log_groups.values():
        yield group["arn"].removesuffix(":*"), _as_list(group["tags"])


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
