"""The web ACL before the stage, as the local edge evaluates it."""

import json
from typing import Any

from infra.choices import Choices
from infra.edge import deploy_edge
from tests.integration.infra.conftest import Deployed, get
from tests.integration.infra.mini import PATHS


def test_a_web_acl_refuses_addresses_and_long_queries_in_our_shape_until_it_is_taken_away(
    deployed: Deployed,
) -> None:
    def front(**chosen: Any) -> None:
        deploy_edge(deployed.stage, deployed.outputs, deployed.deployment.api_ids, Choices(**chosen))

    front(web_acl=True)
    assert get(deployed, PATHS["ingest"])[0] == 200
    status, headers, body = get(deployed, f"{PATHS['ingest']}?x={'y' * 5000}")
    assert (status, json.loads(body)["title"]) == (403, "Forbidden")
    assert "application/json" in headers["content-type"]
    front(blocked_addresses=("127.0.0.0/8",))
    assert get(deployed, PATHS["ingest"])[0] == 403
    front()
    assert get(deployed, PATHS["ingest"])[0] == 403, "as it was chosen last"
    front(web_acl=False, blocked_addresses=())
    assert get(deployed, PATHS["ingest"])[0] == 200


def test_who_asks_too_often_is_told_by_the_web_acl_to_wait(deployed: Deployed) -> None:
    deploy_edge(deployed.stage, deployed.outputs, deployed.deployment.api_ids, Choices(web_acl=True))
    waf = deployed.stage.client("wafv2")
    (summary,) = waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]
    key = {"Name": summary["Name"], "Scope": "CLOUDFRONT", "Id": summary["Id"]}
    acl = waf.get_web_acl(**key)
    for rule in acl["WebACL"]["Rules"]:
        if rule["Name"] == "rate":
            rule["Statement"]["RateBasedStatement"]["Limit"] = 10
    rules = acl["WebACL"]["Rules"]
    waf.update_web_acl(
        **key,
        DefaultAction={"Allow": {}},
        VisibilityConfig=acl["WebACL"]["VisibilityConfig"],
        LockToken=acl["LockToken"],
        Rules=rules,
    )
    answers = [get(deployed, PATHS["inference"]) for _ in range(12)]
    assert {status for status, _, _ in answers} == {200, 429}
    status, headers, body = answers[-1]
    assert (status, headers["retry-after"], json.loads(body)["status"]) == (429, "60", 429)
    deploy_edge(deployed.stage, deployed.outputs, deployed.deployment.api_ids, Choices(web_acl=False))
    assert get(deployed, PATHS["inference"])[0] == 200
