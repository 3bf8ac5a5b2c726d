"""The edge and what watches the stage. The edge's stack removes its own; this is for what a broken one left."""

from collections.abc import Iterator
from typing import Any

from infra.calls import Call
from infra.removal.kinds import pages
from infra.stage import EDGE_REGION, Stage

_ACLS = {"service": "wafv2", "region": EDGE_REGION}


def find_distributions(stage: Stage) -> list[str]:
    """Return the ids of the stage's distributions."""
    found = pages(stage.client("cloudfront"), "list_distributions")
    items = (item for page in found for item in page["DistributionList"].get("Items", []))
    return [item["Id"] for item in items if item["Comment"] == f"Headrace {stage.name}"]


def remove_distribution(stage: Stage, name: str) -> Iterator[Call]:
    """Disable a distribution, wait until every edge location knows, then delete it: CloudFront wants it so."""
    cloudfront = stage.client("cloudfront")
    now = cloudfront.get_distribution_config(Id=name)
    if now["DistributionConfig"]["Enabled"]:
        request = {
            "Id": name,
            "IfMatch": now["ETag"],
            "DistributionConfig": {**now["DistributionConfig"], "Enabled": False},
        }
        yield Call(
            what=f"{name} switched off",
            service="cloudfront",
            operation="update_distribution",
            request=request,
        )
    cloudfront.get_waiter("distribution_deployed").wait(Id=name)
    etag = cloudfront.get_distribution_config(Id=name)["ETag"]
    yield Call(
        what=name,
        service="cloudfront",
        operation="delete_distribution",
        request={"Id": name, "IfMatch": etag},
        done_if=("NoSuchDistribution",),
    )


def find_site_access(stage: Stage) -> list[str]:
    """Return the ids of the stage's origin access controls."""
    found = pages(stage.client("cloudfront"), "list_origin_access_controls")
    items = (item for page in found for item in page["OriginAccessControlList"].get("Items", []))
    return [item["Id"] for item in items if item["Name"] == f"headrace-{stage.name}-site"]


def remove_site_access(stage: Stage, name: str) -> Iterator[Call]:
    """Delete an origin access control."""
    etag = stage.client("cloudfront").get_origin_access_control(Id=name)["ETag"]
    yield Call(
        what=name,
        service="cloudfront",
        operation="delete_origin_access_control",
        request={"Id": name, "IfMatch": etag},
        done_if=("NoSuchOriginAccessControl",),
    )


def find_web_acls(stage: Stage) -> list[str]:
    """Return the names of the stage's web ACLs."""
    return [acl["Name"] for acl in _web_acls(stage)]


def remove_web_acl(stage: Stage, name: str) -> Iterator[Call]:
    """Delete a web ACL that no distribution uses any more."""
    for acl in _web_acls(stage):
        if acl["Name"] == name:
            request = {"Scope": "CLOUDFRONT", "Name": name, "Id": acl["Id"], "LockToken": acl["LockToken"]}
            yield Call(
                what=name,
                **_ACLS,
                operation="delete_web_acl",
                request=request,
                done_if=("WAFNonexistentItemException",),
            )


def find_alarms(stage: Stage) -> list[str]:
    """Return the alarms."""
    found = pages(stage.client("cloudwatch"), "describe_alarms", AlarmNamePrefix=f"headrace-{stage.name}-")
    kinds = ("MetricAlarms", "CompositeAlarms")
    return [alarm["AlarmName"] for page in found for kind in kinds for alarm in page.get(kind, [])]


def remove_alarm(_: Stage, name: str) -> Iterator[Call]:
    """Delete an alarm."""
    yield Call(
        what=name,
        service="cloudwatch",
        operation="delete_alarms",
        request={"AlarmNames": [name]},
        done_if=("ResourceNotFound",),
    )


def find_dashboards(stage: Stage) -> list[str]:
    """Return the dashboards."""
    prefix = f"headrace-{stage.name}"
    found = pages(stage.client("cloudwatch"), "list_dashboards", DashboardNamePrefix=prefix)
    names = (entry["DashboardName"] for page in found for entry in page["DashboardEntries"])
    # The stage `dev` has no part in `headrace-devel`.
    return [name for name in names if name == prefix or name.startswith(f"{prefix}-")]


def remove_dashboard(_: Stage, name: str) -> Iterator[Call]:
    """Delete a dashboard."""
    yield Call(
        what=name,
        service="cloudwatch",
        operation="delete_dashboards",
        request={"DashboardNames": [name]},
        done_if=("ResourceNotFound",),
    )


def _web_acls(stage: Stage) -> list[dict[str, Any]]:
    client = stage.client("wafv2", EDGE_REGION)
    found: list[dict[str, Any]] = []
    request: dict[str, Any] = {"Scope": "CLOUDFRONT"}
    while True:
        page = client.list_web_acls(**request)
        found += page["WebACLs"]
        # It has no paginator, and its marker is also there on the last page with entries.
        if not page.get("NextMarker") or not page["WebACLs"]:
            break
        request["NextMarker"] = page["NextMarker"]
    name = f"headrace-{stage.name}"
    return [acl for acl in found if acl["Name"] == name or acl["Name"].startswith(f"{name}-")]
