"""What a stage has cost: what stands there and what it did, counted in AWS and multiplied by list prices.

An estimate from counts and not the bill: no free tiers, no discounts, no tax, and only what is counted here.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import msgspec

from infra import own_key
from infra.deploy import foundation_name
from infra.prices import HOURS_A_MONTH, cost_line, price_list
from infra.services import SERVICES
from infra.stage import Stage

GB = 1 << 30
_DAY_S, _HOUR_S = 86_400, 3600
_QUERIES = 500  # the most that one GetMetricData takes


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One line: how many units of what in the window; `usd` is None where the list has no such price."""

    what: str
    quantity: float
    unit: str
    usd: float | None


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """The time that is looked at."""

    since: datetime
    until: datetime

    @property
    def hours(self) -> float:
        """How long it is."""
        return (self.until - self.since).total_seconds() / 3600

    @property
    def months(self) -> float:
        """Its part of a month, by which AWS prices what stands."""
        return self.hours / HOURS_A_MONTH


def window_of(stage: Stage, *, days: int, now: datetime) -> Window:
    """Return the last *days*, or the time since the stage's first deployment where that is less."""
    stacks = stage.client("cloudformation").describe_stacks(StackName=foundation_name(stage))["Stacks"]
    return Window(since=max(now - timedelta(days=days), stacks[0]["CreationTime"]), until=now)


def usage(stage: Stage, outputs: Mapping[str, str], window: Window) -> list[Usage]:
    """Return what the time of the *window* cost, line by line; what has cost nothing is left out."""
    lines = [
        *_standing(stage, outputs, window),
        *_stored(stage, outputs, window),
        *_answered(stage, window),
        *_run(stage, window),
        *_trained(stage, window),
        *_served(stage, window),
    ]
    return [line for line in lines if line.quantity]


def _line(what: str, price: str, quantity: float) -> Usage:
    known = price_list().prices.get(price)
    if known is None:
        return Usage(what=what, quantity=quantity, unit=f"{price}: no price in the list", usd=None)
    usd = cost_line(what, price, quantity).usd
    return Usage(what=what, quantity=quantity, unit=known.unit, usd=usd)


def _standing(stage: Stage, outputs: Mapping[str, str], window: Window) -> Iterator[Usage]:
    """Yield what costs by the month, as if what stands now had stood for the whole window."""
    prefix = f"headrace-{stage.name}-"
    cloudwatch, secrets = stage.client("cloudwatch"), stage.client("secretsmanager")
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    alarms = sum(len(page["MetricAlarms"]) for page in pages)
    named = cloudwatch.list_dashboards(DashboardNamePrefix=f"headrace-{stage.name}")["DashboardEntries"]
    pages = secrets.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}])
    kept = sum(one["Name"].startswith(prefix) for page in pages for one in page["SecretList"])
    yield _line("alarms", "cloudwatch.alarm", alarms * window.months)
    hours = _metric_hours(cloudwatch, stage, window)
    yield _line("metrics of our own", "cloudwatch.metric", hours / HOURS_A_MONTH)
    yield _line("dashboard", "cloudwatch.dashboard", len(named) * window.months)
    yield _line("secrets", "secretsmanager.secret", kept * window.months)
    yield _line("signing key", "kms.key", window.months)
    yield _line("key of one's own", "kms.key", window.months if outputs.get(own_key.OUTPUT) else 0)


def _metric_hours(cloudwatch: Any, stage: Stage, window: Window) -> int:
    """Return in how many hours each of our metrics was written, all together: a metric is billed by those alone."""
    ours = [{"Name": "stage", "Value": stage.name}]
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace="Headrace", Dimensions=ours)
    metrics = [metric for page in pages for metric in page["Metrics"]]
    hours = 0
    for some in batched(metrics, _QUERIES):
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {"Metric": metric, "Period": _HOUR_S, "Stat": "SampleCount"},
            }
            for number, metric in enumerate(some)
        ]
        asked = {"MetricDataQueries": queries, "StartTime": window.since, "EndTime": window.until}
        for page in cloudwatch.get_paginator("get_metric_data").paginate(**asked):
            hours += sum(len(found["Values"]) for found in page["MetricDataResults"])
    return hours


def _stored(stage: Stage, outputs: Mapping[str, str], window: Window) -> Iterator[Usage]:
    buckets = [outputs[name] for name in sorted(outputs) if name.endswith("Bucket")]
    held = sum(_newest(stage, bucket, window) for bucket in buckets)
    yield _line("objects", "s3.storage_gb", held / GB * window.months)
    dynamodb = stage.client("dynamodb")
    tables = [outputs[name] for name in sorted(outputs) if name.endswith("Table")]
    rows = sum(dynamodb.describe_table(TableName=name)["Table"].get("TableSizeBytes", 0) for name in tables)
    yield _line("rows", "dynamodb.storage_gb", rows / GB * window.months)


def _newest(stage: Stage, bucket: str, window: Window) -> float:
    """Return the last size that S3 has measured, once a day."""
    points = stage.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/S3",
        MetricName="BucketSizeBytes",
        Dimensions=_named(BucketName=bucket, StorageType="StandardStorage"),
        StartTime=window.until - timedelta(days=3),
        EndTime=window.until,
        Period=_DAY_S,
        Statistics=["Average"],
    )["Datapoints"]
    return float(max(points, key=lambda point: point["Timestamp"])["Average"]) if points else 0.0


def _answered(stage: Stage, window: Window) -> Iterator[Usage]:
    requests = sum(
        _sum(
            stage, window, "AWS/ApiGateway", "Count", ApiName=f"headrace-{service}-{stage.name}", Stage="api"
        )
        for service in SERVICES
    )
    yield _line("requests to the APIs", "api_gateway.rest_request", requests)
    yield _line("requests at the edge", "cloudfront.https_request", requests)


def _run(stage: Stage, window: Window) -> Iterator[Usage]:
    starts, gb_seconds = 0.0, 0.0
    names = tuple(f"headrace-{service}-{stage.name}" for service in SERVICES)
    for page in stage.client("lambda").get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name = function["FunctionName"]
            if name not in names and not name.startswith(tuple(f"{one}-" for one in names)):
                continue
            starts += _sum(stage, window, "AWS/Lambda", "Invocations", FunctionName=name)
            ms = _sum(stage, window, "AWS/Lambda", "Duration", FunctionName=name)
            gb_seconds += ms / 1000 * function["MemorySize"] / 1024
    yield _line("runs of functions", "lambda.request", starts)
    yield _line("functions at work", "lambda.gb_second", gb_seconds)


def _trained(stage: Stage, window: Window) -> Iterator[Usage]:
    sagemaker = stage.client("sagemaker")
    hours: dict[str, float] = {}
    pages = sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains=f"headrace-{stage.name}-", CreationTimeAfter=window.since
    )
    for page in pages:
        for summary in page["TrainingJobSummaries"]:
            job = sagemaker.describe_training_job(TrainingJobName=summary["TrainingJobName"])
            resources = job["ResourceConfig"]
            spent = job.get("BillableTimeInSeconds", 0) * resources.get("InstanceCount", 1) / 3600
            hours[resources["InstanceType"]] = hours.get(resources["InstanceType"], 0.0) + spent
    for kind, spent in sorted(hours.items()):
        yield _line(f"training on {kind}", f"sagemaker.training.{kind}", spent)


def _served(stage: Stage, window: Window) -> Iterator[Usage]:
    """Yield what endpoints on instances cost; one without instances costs by its requests alone."""
    sagemaker = stage.client("sagemaker")
    hours: dict[str, float] = {}
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=f"headrace-{stage.name}-")
    for page in pages:
        for endpoint in page["Endpoints"]:
            described = sagemaker.describe_endpoint(EndpointName=endpoint["EndpointName"])
            config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            up = (window.until - max(window.since, endpoint["CreationTime"])).total_seconds() / 3600
            for variant in config["ProductionVariants"]:
                if kind := variant.get("InstanceType"):
                    hours[kind] = hours.get(kind, 0.0) + up * variant.get("InitialInstanceCount", 1)
    for kind, up in sorted(hours.items()):
        yield _line(f"endpoints on {kind}", f"sagemaker.endpoint.{kind}", up)


def _sum(stage: Stage, window: Window, namespace: str, name: str, **dimensions: str) -> float:
    points = stage.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=_named(**dimensions),
        StartTime=window.since,
        EndTime=window.until,
        Period=_DAY_S,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def _named(**dimensions: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]
