"""Markers sent in every field that a person fills in, and where they turn up again."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tests.clouds import CREDENTIALS
from tests.e2e.data import deliveries
from tests.stage import Stage

REGION, ACCOUNT = CREDENTIALS["AWS_DEFAULT_REGION"], "000000000000"
_MARKER = re.compile(r"zq[a-z]{3,16}canary")
# Ends a line, colours a terminal, and looks like a line of ours.
FORGED = '{"level":"CRITICAL","logger":"headrace.inference","message":"zqforged"}'
INJECTION = f"\r\n{FORGED}\n\x1b[31mzqred"


def marker(field: str) -> str:
    """Return the marker of one field: a word that nothing else holds."""
    return f"zq{field}canary"


class Sighting(msgspec.Struct, frozen=True, order=True):
    """One marker in one place; `where` names the kind of place and its own name."""

    field: str
    where: str


def marked_deliveries(seed: int, bad_rows: int = 3) -> bytes:
    """Return deliveries whose column, category and rejected cells are marked; the rejected ones also forge a line."""
    text = deliveries(seed).decode()
    text = text.replace(",van,", f",{marker('cell')},").replace("fragile", marker("column"), 1)
    bad = [f'o{seed}-bad{n},7.5,"{marker("badcell")}{INJECTION}",bike,no,1\r\n' for n in range(bad_rows)]
    return (text + "".join(bad).replace('"level"', '""level""')).encode()


def sightings(texts: Iterable[tuple[str, str]]) -> set[Sighting]:
    """Return which markers are where, in pairs of a place and what is there."""
    return {
        Sighting(found.removeprefix("zq").removesuffix("canary"), where)
        for where, text in texts
        for found in _MARKER.findall(text.lower())
    }


def log_events(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield log group and message of everything that was logged."""
    logs = stage.aws("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from ((f"log {name}", event["message"]) for event in events["events"])


def metrics(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield each metric with its dimensions."""
    for page in stage.aws("cloudwatch").get_paginator("list_metrics").paginate():
        for metric in page["Metrics"]:
            yield f"metric {metric['Namespace']}", json.dumps(metric)


def rows(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield every attribute of every row of every table, named by table and attribute."""
    dynamodb = stage.aws("dynamodb")
    for table in dynamodb.list_tables()["TableNames"]:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                for name, value in item.items():
                    yield f"row {table.removeprefix('headrace-local-')}.{name}", json.dumps(value)


def dead_letters(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield the dead letters as `headrace dlq` lists them, whole."""
    for letter in json.loads(stage.headrace("dlq", "ls", "-o", "json").stdout):
        yield "dead letter", stage.headrace("dlq", "show", letter["id"], "-o", "json").stdout


def sagemaker(stage: Stage, part: str) -> Iterator[tuple[str, str]]:
    """Yield the descriptions of SageMaker's jobs and endpoints whose names or inputs hold *part*."""
    client = stage.aws("sagemaker")
    for job in client.list_training_jobs()["TrainingJobSummaries"]:
        told = client.describe_training_job(TrainingJobName=job["TrainingJobName"])
        if part in json.dumps(told, default=str):
            yield "SageMaker training job", json.dumps(told, default=str)
    for endpoint in client.list_endpoints()["Endpoints"]:
        if part in endpoint["EndpointName"]:
            told = client.describe_endpoint(EndpointName=endpoint["EndpointName"])
            tags = client.list_tags(ResourceArn=told["EndpointArn"])["Tags"]
            yield "SageMaker endpoint", json.dumps([told, tags], default=str)


class Overheard:
    """A queue behind a rule that matches every event of ours, and those of S3 and SageMaker."""

    def __init__(self, stage: Stage) -> None:
        self._sqs, events = stage.aws("sqs"), stage.aws("events")
        self._url = self._sqs.create_queue(QueueName="overheard")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:overheard"
        pattern = {"source": [{"prefix": "headrace."}, {"prefix": "aws."}]}
        events.put_rule(Name="overheard", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="overheard", Targets=[{"Id": "queue", "Arn": arn}])
        self._events = events

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield the events there were, once each, named by their source."""
        while messages := self._receive():
            for message in messages:
                event = json.loads(message["Body"])
                yield f"event of {event.get('source')}", message["Body"]
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def close(self) -> None:
        """Remove rule and queue."""
        self._events.remove_targets(Rule="overheard", Ids=["queue"])
        self._events.delete_rule(Name="overheard")
        self._sqs.delete_queue(QueueUrl=self._url)

    def _receive(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10
        ).get("Messages", [])
        return found
