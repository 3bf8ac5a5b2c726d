"""What a plan says of quotas and costs; what it says of resources is held to a real deployment elsewhere."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from headrace.operate.account import finding_of
from infra.choices import AS_BEFORE, of_edge
from infra.planning import costs, quotas
from infra.planning.rows import Quota
from infra.prices import cost_line, price_list, total
from infra.stage import Stage
from infra.templates import Resolver

DEV = Stage(name="dev", region="eu-west-1", account="111122223333")


class Account:
    """Answers Service Quotas: values by code, defaults by code; a code in neither is refused."""

    def __init__(self, values: Mapping[str, float], defaults: Mapping[str, float]) -> None:
        self.values, self.defaults = values, defaults

    def client(self, _: str) -> "Account":
        return self

    def get_service_quota(self, **which: str) -> dict[str, Any]:
        if which["QuotaCode"] in self.values:
            return {"Quota": {"Value": self.values[which["QuotaCode"]]}}
        code = "NoSuchResourceException" if which["QuotaCode"] in self.defaults else "AccessDeniedException"
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetServiceQuota")

    def get_aws_default_service_quota(self, **which: str) -> dict[str, Any]:
        return {"Quota": {"Value": self.defaults[which["QuotaCode"]]}}


def asked(values: Mapping[str, float], defaults: Mapping[str, float]) -> dict[str, Quota]:
    account: Any = Account(values, defaults)
    return {one.code: one for one in quotas.ask(account)}


def test_each_quota_that_is_too_small_is_named_with_what_follows_and_how_to_ask_for_more() -> None:
    found = asked({"L-B99A9384": 10, "L-611FA074": 4}, {"L-96300102": 10})
    assert [code for code, quota in found.items() if quota.is_short] == ["L-B99A9384", "L-96300102"]
    told = finding_of(found["L-B99A9384"])
    assert not told.ok
    assert "Concurrent executions is 10, needed 20: calls are throttled" in told.sentence
    assert "--service-code lambda --quota-code L-B99A9384 --desired-value 20" in told.remedy


def test_what_an_account_does_not_tell_is_unknown_and_not_taken_for_enough() -> None:
    told = asked({}, {})["L-611FA074"]
    assert (told.found, told.is_short) == (None, False)
    assert "is not told to these credentials" in finding_of(told).sentence


def test_every_line_of_an_estimate_is_its_quantity_times_a_price_of_the_list() -> None:
    prices = price_list().prices
    lines = [*costs.per_million(with_web_acl=False), *costs.per_million_the_common_way()]
    assert all(line.usd == pytest.approx(line.quantity * prices[line.price].usd) for line in lines)
    assert len({line.what for line in costs.per_million(with_web_acl=False)}) == len(
        costs.per_million(with_web_acl=False)
    )


def test_a_million_predictions_cost_less_than_half_of_an_instance_with_a_row_and_a_metric_each() -> None:
    ours, common = total(costs.per_million(with_web_acl=False)), total(costs.per_million_the_common_way())
    # The target is a third; docs/decisions/0028 says what is missing.
    assert ours < common / 2
    assert ours > prices_of_the_door()


def prices_of_the_door() -> float:
    return cost_line("", "api_gateway.rest_request", costs.MILLION).usd


def test_only_who_has_a_web_acl_pays_for_it_and_by_default_only_prod_has() -> None:
    with_one, without = (
        {line.what for line in costs.per_million(with_web_acl=has_one)} for has_one in (True, False)
    )
    assert with_one - without == {"web ACL"}
    prod = Stage(name="prod", region="eu-west-1", account="111122223333")
    assert [of_edge(stage, {}, AS_BEFORE)["WithWaf"] for stage in (DEV, prod)] == ["false", "true"]


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("rate(1 minute)", 43800),
        ("rate(5 minutes)", 8760),
        ("rate(1 day)", 730 / 24),
        ("cron(0 0 * * ? *)", 0),
    ],
)
def test_a_schedule_runs_so_often_in_a_month(schedule: str, runs: float) -> None:
    assert costs.runs_a_month(schedule) == pytest.approx(runs)


TEMPLATE = {
    "Parameters": {"Stage": {"Type": "String"}, "With": {"Type": "String", "Default": "no"}},
    "Conditions": {"HasMore": {"Fn::Not": [{"Fn::Equals": [{"Ref": "With"}, "no"]}]}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "q-${Stage}"}}},
        "More": {"Type": "AWS::SNS::Topic", "Condition": "HasMore", "Properties": {"TopicName": "more"}},
        "User": {
            "Type": "X",
            "Properties": {
                "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "Either": {"Fn::If": ["HasMore", {"Ref": "More"}, {"Ref": "AWS::NoValue"}]},
                "Secret": {"Ref": "Unknown"},
            },
        },
    },
    "Outputs": {},
}
PLACE = {"partition": "aws", "region": "eu-west-1", "account": "1"}


def test_a_template_is_filled_in_as_cloudformation_would() -> None:
    made = Resolver(TEMPLATE, {"Stage": "dev"}, PLACE).resources()
    assert made.keys() == {"Queue", "User"}
    assert made["User"]["Properties"] == {"Arn": "arn:aws:sqs:eu-west-1:1:q-dev", "Secret": "<Unknown>"}
    more = Resolver(TEMPLATE, {"Stage": "dev", "With": "yes"}, PLACE).resources()
    assert more["User"]["Properties"]["Either"] == "arn:aws:sns:eu-west-1:1:more"
