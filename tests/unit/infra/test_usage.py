"""What a stage has cost is counted from AWS, and what cannot be counted or priced is said and not guessed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.prices import price_list
from infra.usage import Usage, usage, window_of

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OUTPUTS = {"DataBucket": "headrace-dev-1-data", "JobsTable": "headrace-dev-jobs", "Other": "x"}


class Account:
    """An AWS account with two stages; every client is the account itself."""

    sums: dict[tuple[str, str], float]

    def __init__(self) -> None:
        self.sums = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.functions: list[dict[str, Any]] = []
        self.alarms: list[str] = []
        self.written: dict[str, int] = {}
        self.asked: list[dict[str, Any]] = []
        self.created = datetime(2020, 1, 1, tzinfo=UTC)

    name = "dev"

    def client(self, _service: str) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        answers: dict[str, Any] = {
            "describe_alarms": {"MetricAlarms": self.alarms},
            "list_metrics": {"Metrics": [{"MetricName": name} for name in self.written]},
            "list_secrets": {"SecretList": [{"Name": "headrace-dev-origin"}, {"Name": "x-headrace-dev-y"}]},
            "list_functions": {"Functions": self.functions},
            "list_training_jobs": {"TrainingJobSummaries": [{"TrainingJobName": name} for name in self.jobs]},
            "list_endpoints": {
                "Endpoints": [
                    {"EndpointName": name, "CreationTime": one["since"]}
                    for name, one in self.endpoints.items()
                ]
            },
        }
        if operation == "get_metric_data":
            return type("Paginator", (), {"paginate": staticmethod(self._metric_data)})
        pages = [answers[operation]]
        return type("Paginator", (), {"paginate": staticmethod(lambda **_: pages)})

    def _metric_data(self, **asked: Any) -> Any:
        self.asked.append(asked)
        names = [one["MetricStat"]["Metric"]["MetricName"] for one in asked["MetricDataQueries"]]
        return [{"MetricDataResults": [{"Values": [1.0] * self.written[name]} for name in names]}]

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - as boto3 calls it
        assert StackName == "headrace-dev-foundation"
        return {"Stacks": [{"CreationTime": self.created}]}

    def get_metric_statistics(self, **asked: Any) -> Any:
        value = self.sums.get((asked["MetricName"], asked["Dimensions"][0]["Value"]))
        return {"Datapoints": [] if value is None else [{"Sum": value, "Average": value, "Timestamp": NOW}]}

    def list_dashboards(self, **_: Any) -> Any:
        return {"DashboardEntries": []}

    def describe_table(self, **_: Any) -> Any:
        return {"Table": {}}

    def describe_training_job(self, TrainingJobName: str) -> Any:  # noqa: N803 - as boto3 calls it
        return self.jobs[TrainingJobName]

    def describe_endpoint(self, EndpointName: str) -> Any:  # noqa: N803 - as boto3 calls it
        return {"EndpointConfigName": EndpointName}

    def describe_endpoint_config(self, EndpointConfigName: str) -> Any:  # noqa: N803 - as boto3 calls it
        return {"ProductionVariants": [self.endpoints[EndpointConfigName]["variant"]]}


@pytest.fixture
def account() -> Account:
    return Account()


def lines(account: Account, days: int = 30) -> dict[str, Usage]:
    stage: Any = account
    return {line.what: line for line in usage(stage, OUTPUTS, window_of(stage, days=days, now=NOW))}


def test_requests_and_runs_are_those_of_this_stage(account: Account) -> None:
    account.sums = {("Count", "headrace-ingest-dev"): 1_000_000, ("Count", "headrace-ingest-prod"): 9}
    account.functions = [
        {"FunctionName": "headrace-ingest-dev", "MemorySize": 512},
        {"FunctionName": "headrace-ingest-dev-reconcile", "MemorySize": 1024},
        {"FunctionName": "headrace-ingest-development", "MemorySize": 1024},
    ]
    for name in ("headrace-ingest-dev", "headrace-ingest-dev-reconcile", "headrace-ingest-development"):
        account.sums[("Invocations", name)] = 10
        account.sums[("Duration", name)] = 2000
    found = lines(account)
    assert found["requests to the APIs"].usd == pytest.approx(3.5)
    assert found["runs of functions"].quantity == 20
    assert found["functions at work"].quantity == pytest.approx(2 * 0.5 + 2 * 1.0)


def test_training_is_paid_by_the_seconds_that_are_billed(account: Account) -> None:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    account.jobs = {
        "headrace-dev-a": {"BillableTimeInSeconds": 3600, "ResourceConfig": resources},
        "headrace-dev-b": {"BillableTimeInSeconds": 1800, "ResourceConfig": resources},
    }
    found = lines(account)["training on ml.m5.large"]
    assert found.quantity == 1.5
    assert found.usd == pytest.approx(1.5 * price_list().prices["sagemaker.training.ml.m5.large"].usd)


def test_an_endpoint_on_instances_costs_since_it_stands_and_a_serverless_one_nothing(
    account: Account,
) -> None:
    since = NOW - timedelta(hours=5)
    account.endpoints = {
        "headrace-dev-a-v1": {
            "since": since,
            "variant": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2},
        },
        "headrace-dev-b-v1": {"since": since, "variant": {"ServerlessConfig": {"MemorySizeInMB": 2048}}},
        "headrace-dev-c-v1": {
            "since": NOW - timedelta(days=90),
            "variant": {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
        },
    }
    assert lines(account, days=1)["endpoints on ml.m5.large"].quantity == pytest.approx(10 + 24)


def test_what_stands_costs_its_part_of_the_month(account: Account) -> None:
    account.alarms = ["a"] * 33
    found = lines(account, days=365)
    assert found["alarms"].usd == pytest.approx(33 * 0.1 * 12)
    assert found["secrets"].quantity == pytest.approx(12)


def test_nothing_costs_before_the_stage_was_there(account: Account) -> None:
    account.alarms, account.created = ["a"], NOW - timedelta(hours=73)
    assert lines(account, days=365)["alarms"].quantity == pytest.approx(0.1)
    assert lines(account, days=1)["alarms"].quantity == pytest.approx(24 / 730)


def test_a_metric_costs_for_the_hours_in_which_it_was_written(account: Account) -> None:
    account.written = {"requests": 730, "RowsRead": 2}
    found = lines(account)["metrics of our own"]
    assert found.quantity == pytest.approx(732 / 730)
    assert found.usd == pytest.approx(0.3 * 732 / 730)


def test_any_number_of_metrics_is_counted(account: Account) -> None:
    account.written = {f"m{number}": 73 for number in range(1001)}
    assert lines(account)["metrics of our own"].quantity == pytest.approx(100.1)
    assert [len(one["MetricDataQueries"]) for one in account.asked] == [500, 500, 1]


def test_what_has_no_price_or_no_metric_is_said_and_not_guessed(account: Account) -> None:
    resources = {"InstanceType": "ml.unheard.of", "InstanceCount": 1}
    account.jobs = {"headrace-dev-a": {"BillableTimeInSeconds": 60, "ResourceConfig": resources}}
    found = lines(account)
    assert found["training on ml.unheard.of"].usd is None
    assert "no price" in found["training on ml.unheard.of"].unit
    assert "objects" not in found, "S3 has measured no bucket"
