"""What a stage costs while nobody uses it, and what a million predictions add: from prices and stated assumptions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.prices import HOURS_A_MONTH, CostLine, cost_line

MILLION = 1_000_000
RATE_PER_S = 10
A_MONTH = RATE_PER_S * 3600 * HOURS_A_MONTH  # predictions at that rate

# One record a request. Wall times of the functions are those of `benchmarks.inference` (docs/decisions/0030), with an
# endpoint that works 20 ms instead of 5; bytes are those of the flights example.
ENDPOINT_S, ENDPOINT_GB = 0.020, 2.0
HANDLER_S, HANDLER_GB = 0.025, 0.5
COMMON_WAY_S = 0.057  # boto3 calls the endpoint, then PutItem, then PutMetricData
ANSWER_GB, RECORD_GB = 1e-6, 1e-6
# Prediction and metrics (292 and 636 bytes, and the 26 that CloudWatch adds to each); START, END and REPORT.
OWN_LINES_GB, PLATFORM_LINES_GB = 0.98e-6, 0.35e-6
WRITER_BATCH, WRITER_S = 10, 0.05
# The writer's rows and sums are one transaction, which DynamoDB counts twice; each row's labels are looked for, consistently.
TRANSACTION_UNITS, LABEL_READ_UNITS = 2, 1
TICK_S = 0.3  # a function that looks around and finds nothing to do
# Under a key of one's own each table's data key is decrypted anew every five minutes for each role; four roles look at three tables each minute.
KEY_REQUESTS_A_MONTH = 4 * 3 * 12 * HOURS_A_MONTH

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_PER_HOUR = {"minute": 60.0, "hour": 1.0, "day": 1 / 24}
_MONTHLY = {
    "AWS::KMS::Key": ("signing keys", "kms.key"),
    "AWS::SecretsManager::Secret": ("secrets", "secretsmanager.secret"),
    "AWS::CloudWatch::Alarm": ("alarms", "cloudwatch.alarm"),
    "AWS::CloudWatch::Dashboard": ("dashboards", "cloudwatch.dashboard"),
    "AWS::WAFv2::WebACL": ("web ACLs", "waf.acl"),
}


def at_rest(
    stacks: Mapping[str, Mapping[str, Any]],
    services: Mapping[str, Mapping[str, Any]],
    *,
    with_own_key: bool = False,
) -> list[CostLine]:
    """Return what a month costs without a single request; storage comes to it by the GB."""
    made = [resource for resources in stacks.values() for resource in resources.values()]
    return [*_standing(made), *(_own_key() if with_own_key else ()), *_ticks(services)]


def _standing(made: Sequence[Mapping[str, Any]]) -> Iterator[CostLine]:
    """Yield what costs because it is there."""
    for kind, (what, price) in _MONTHLY.items():
        if count := sum(resource["Type"] == kind for resource in made):
            yield cost_line(what, price, count)
    rules = sum(len(one["Properties"].get("Rules", [])) for one in made if "WebACL" in one["Type"])
    if rules:
        yield cost_line("rules of the web ACL", "waf.rule", rules)


def _own_key() -> Iterator[CostLine]:
    yield cost_line("key of one's own", "kms.key", 1)
    yield cost_line("its use by the functions that look around", "kms.request", KEY_REQUESTS_A_MONTH)


def per_million(*, with_web_acl: bool) -> list[CostLine]:
    """Return what a million predictions add, on a serverless endpoint, one record a request."""
    lines = [
        *_door(),
        cost_line("API functions", "lambda.request", MILLION),
        cost_line("API functions at work", "lambda.gb_second", MILLION * HANDLER_S * HANDLER_GB),
        cost_line("endpoint at work", "sagemaker.serverless_gb_second", MILLION * ENDPOINT_S * ENDPOINT_GB),
        cost_line("endpoint, data", "sagemaker.serverless_gb", MILLION * (RECORD_GB + ANSWER_GB)),
        cost_line("log", "cloudwatch.log_gb", MILLION * (OWN_LINES_GB + PLATFORM_LINES_GB)),
        cost_line("writer of the prediction log", "lambda.request", MILLION / WRITER_BATCH),
        cost_line("writer at work", "lambda.gb_second", MILLION / WRITER_BATCH * WRITER_S * HANDLER_GB),
        cost_line("prediction rows", "dynamodb.write", MILLION * TRANSACTION_UNITS),
        cost_line("sums of predictions", "dynamodb.write", MILLION / WRITER_BATCH * TRANSACTION_UNITS),
        cost_line("labels that came first", "dynamodb.read", MILLION * LABEL_READ_UNITS),
    ]
    return [*lines, cost_line("web ACL", "waf.request", MILLION)] if with_web_acl else lines


def per_million_the_common_way() -> list[CostLine]:
    """Return the same for the design of many tutorials: an instance day and night, a row and a metric per request."""
    return [
        *_door(),
        cost_line("API functions", "lambda.request", MILLION),
        cost_line("API functions at work", "lambda.gb_second", MILLION * COMMON_WAY_S * HANDLER_GB),
        cost_line(
            "endpoint, day and night", "sagemaker.endpoint.ml.m5.large", HOURS_A_MONTH * MILLION / A_MONTH
        ),
        cost_line("log", "cloudwatch.log_gb", MILLION * PLATFORM_LINES_GB),
        cost_line("prediction rows", "dynamodb.write", MILLION),
        cost_line("a metric per request", "cloudwatch.put_metric_data", MILLION),
    ]


def _door() -> Iterator[CostLine]:
    yield cost_line("CloudFront", "cloudfront.https_request", MILLION)
    yield cost_line("CloudFront, data", "cloudfront.gb_out", MILLION * ANSWER_GB)
    yield cost_line("REST API", "api_gateway.rest_request", MILLION)


def _ticks(services: Mapping[str, Mapping[str, Any]]) -> Iterator[CostLine]:
    for service, resources in services.items():
        for resource in resources.values():
            function = resource["Properties"]
            if resource["Type"] != "AWS::Serverless::Function":
                continue
            for event in function.get("Events", {}).values():
                if (runs := runs_a_month(event["Properties"].get("Schedule", ""))) > 0:
                    gb_s = runs * TICK_S * function["MemorySize"] / 1024
                    name = function["FunctionName"].rpartition("-")[2]
                    yield cost_line(f"{name} of {service}", "lambda.request", runs)
                    yield cost_line(f"{name} of {service} at work", "lambda.gb_second", gb_s)


def runs_a_month(schedule: str) -> float:
    """Return how often a `rate(…)` comes round in a month, 0 for what is no such expression."""
    rate = _RATE.fullmatch(schedule)
    return HOURS_A_MONTH * _PER_HOUR[rate[2]] / int(rate[1]) if rate else 0.0
