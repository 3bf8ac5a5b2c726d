"""The rules of a web ACL that we use, in the order of their priorities."""

from typing import Any

import pytest

from localcloud.web_acls import Rates, Viewer, refuse

LIST = "arn:aws:wafv2:us-east-1:000000000000:global/ipset/bad/1"
RATE = {"RateBasedStatement": {"Limit": 2, "AggregateKeyType": "IP", "EvaluationWindowSec": 60}}
LISTED = {"IPSetReferenceStatement": {"ARN": LIST}}
LONG = {
    "SizeConstraintStatement": {"FieldToMatch": {"QueryString": {}}, "ComparisonOperator": "GT", "Size": 3}
}
MANAGED = {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}
LISTS = {LIST: ["10.0.0.0/8", "2001:db8::/32"]}


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def rule(name: str, statement: dict[str, Any], priority: int = 0, **action: Any) -> dict[str, Any]:
    return {"Name": name, "Priority": priority, "Statement": statement, "Action": action or {"Block": {}}}


def acl(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"DefaultAction": {"Allow": {}}, "Rules": list(rules), **more}


def viewer(address: str = "192.0.2.1", query: str = "") -> Viewer:
    return Viewer(address=address, path="/v1/health", query=query, body=b"")


def test_beyond_its_rate_an_address_is_refused_until_the_window_has_passed() -> None:
    time = Time()
    rates = Rates(time)
    limited = acl(rule("rate", RATE))
    assert [refuse(limited, viewer(), {}, rates) is None for _ in range(4)] == [True, True, False, False]
    assert refuse(limited, viewer("192.0.2.2"), {}, rates) is None, "somebody else"
    time.now = 61.0
    assert refuse(limited, viewer(), {}, rates) is None


@pytest.mark.parametrize(
    ("address", "is_refused"), [("10.1.2.3", True), ("2001:db8::1", True), ("192.0.2.1", False)]
)
def test_an_address_on_the_list_is_refused(address: str, is_refused: bool) -> None:
    answer = refuse(acl(rule("listed", LISTED)), viewer(address), LISTS, Rates(Time()))
    assert (answer is not None) == is_refused
    assert answer is None or answer[0] == 403


def test_a_size_is_exact() -> None:
    sized = acl(rule("long", LONG))
    assert refuse(sized, viewer(query="abc"), {}, Rates(Time())) is None
    assert refuse(sized, viewer(query="abcd"), {}, Rates(Time())) is not None


def test_the_rule_of_the_lowest_number_decides_and_one_that_counts_does_not() -> None:
    allowed = acl(rule("no", LISTED, 5), rule("yes", LISTED, 1, Allow={}))
    assert refuse(allowed, viewer("10.0.0.1"), LISTS, Rates(Time())) is None
    counted = acl(rule("count", LISTED, 0, Count={}), rule("no", LISTED, 1))
    assert refuse(counted, viewer("10.0.0.1"), LISTS, Rates(Time())) is not None


def test_a_group_that_aws_manages_matches_nothing_here() -> None:
    managed = {"Name": "m", "Priority": 0, "Statement": MANAGED, "OverrideAction": {"None": {}}}
    assert refuse(acl(managed), viewer(), {}, Rates(Time())) is None


def test_a_rule_may_answer_in_words_of_its_own() -> None:
    custom = {
        "ResponseCode": 429,
        "CustomResponseBodyKey": "slow",
        "ResponseHeaders": [{"Name": "Retry-After", "Value": "60"}],
    }
    bodies = {"slow": {"ContentType": "APPLICATION_JSON", "Content": '{"status": 429}'}}
    told = acl(rule("listed", LISTED, Block={"CustomResponse": custom}), CustomResponseBodies=bodies)
    answer = refuse(told, viewer("10.0.0.1"), LISTS, Rates(Time()))
    headers = {"Content-Type": "application/json", "Retry-After": "60"}
    assert answer == (429, headers, b'{"status": 429}')
