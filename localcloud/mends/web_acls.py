"""CloudFront: the web ACL of a distribution is asked before anything else."""

import json
import time
from typing import Any

from ministack.services import cloudfront, waf
from ministack.services.cloudformation import provisioners

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings
from localcloud.web_acls import Rates, Viewer, refuse

MEND = "web_acls"
_RATES = Rates(time.monotonic)


def mend(settings: Settings) -> None:
    """Block what the rules of a distribution's web ACL block.

    AWS: CloudFront evaluates the web ACL on every request and answers a blocked one itself, 403 or as the rule's
    custom response says (WAF developer guide, "Customized web requests and responses").
    MiniStack 1.5.33: keeps web ACLs, without their custom bodies, and evaluates none; a template with
    `AWS::WAFv2::IPSet` fails (tried).
    """
    del settings
    handle = require(MEND, cloudfront, "handle_viewer_request", "parse_distribution_dataplane_config(dist)")
    create = require(MEND, waf, "create_web_acl_record", '"Rules": props.get("Rules", [])')
    update = require(MEND, waf, "update_web_acl_record", 'acl["Rules"] = props.get("Rules", [])')
    require(MEND, waf, "_create_ip_set", 'data.get("Addresses"')
    require(MEND, cloudfront, "_dist_config_el")
    handlers = require(MEND, provisioners, "_RESOURCE_HANDLERS")

    @wraps(handle)
    async def handle_viewer_request(distribution: dict[str, Any], *request: Any, **options: Any) -> Any:
        arn = cloudfront._text(cloudfront._dist_config_el(distribution), "WebACLId")
        refused = _refused(arn, request) if arn else None
        return refused or await handle(distribution, *request, **options)

    @wraps(create)
    def create_web_acl_record(name: str, scope: str, props: dict[str, Any]) -> Any:
        made = create(name, scope, props)
        made[2]["CustomResponseBodies"] = props.get("CustomResponseBodies") or {}
        return made

    @wraps(update)
    def update_web_acl_record(acl: dict[str, Any], props: dict[str, Any]) -> Any:
        acl["CustomResponseBodies"] = props.get("CustomResponseBodies") or {}
        return update(acl, props)

    cloudfront.handle_viewer_request = handle_viewer_request
    waf.create_web_acl_record = create_web_acl_record
    waf.update_web_acl_record = update_web_acl_record
    handlers["AWS::WAFv2::IPSet"] = {
        "create": _create_ip_set,
        "update": _update_ip_set,
        "delete": _delete_ip_set,
    }


def _refused(arn: str, request: tuple[Any, ...]) -> Any:
    _method, path, _raw_path, query, _headers, body, _fields, address = request
    acl = next((one for one in waf._web_acls.values() if one["ARN"] == arn), None)
    if acl is None:
        return None
    lists = {one["ARN"]: one["Addresses"] for one in waf._ip_sets.values()}
    return refuse(acl, Viewer(address=address, path=path, query=query, body=body or b""), lists, _RATES)


def _create_ip_set(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
    name = properties.get("Name") or f"{stack_name}-{logical_id}"
    answer = json.loads(waf._create_ip_set({**properties, "Name": name})[2])
    if "Summary" not in answer:
        raise ValueError(answer["message"])
    made = answer["Summary"]
    return f"{name}|{made['Id']}|{properties['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}


def _update_ip_set(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], *_rest: Any, **_more: Any
) -> Any:
    _name, identity, scope = physical_id.split("|")
    found = waf._resource_from_scope(waf._ip_sets, identity, scope)
    found["Addresses"] = new.get("Addresses") or []
    return physical_id, {"Arn": found["ARN"], "Id": identity}


def _delete_ip_set(physical_id: str, _properties: dict[str, Any]) -> None:
    _name, identity, scope = physical_id.split("|")
    waf._delete_ip_set({"Id": identity, "Scope": scope})
