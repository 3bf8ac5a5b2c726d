"""The JSON protocol of DynamoDB, EventBridge and Secrets Manager: an operation's name and one JSON object, there and back."""

import functools
import zlib
from typing import Any

import msgspec

from shared.aws import endpoints
from shared.aws.connections import Answer
from shared.aws.errors import AwsRefusal, NoAnswer
from shared.aws.service import Call, Content, Service, service_at

# DynamoDB's largest answer is a transaction of 100 items of 400 KB.
_MAX_ANSWER_BYTES = 48 * 1024 * 1024
_MAX_REFUSAL_BYTES = 256 * 1024


class JsonApi:
    """One service that is asked in JSON."""

    def __init__(self, service: Service, *, target: str, version: str) -> None:
        self._service = service
        self._target = target
        self._content_type = f"application/x-amz-json-{version}"

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return the answer's members; bytes travel as base64 text.

        Raises
        ------
        AwsRefusal
            The service said no.
        NoAnswer
            It could not be reached or its answer arrived damaged.
        """
        headers = {"content-type": self._content_type, "x-amz-target": f"{self._target}.{operation}"}
        content = Content.of(msgspec.json.encode(request))
        return self._service.send(Call(method="POST", headers=headers, content=content), _members)


@functools.cache
def dynamodb() -> JsonApi:
    """Return the process's DynamoDB."""
    return of_dynamodb(service_at(endpoints.DYNAMODB))


@functools.cache
def event_bridge() -> JsonApi:
    """Return the process's EventBridge."""
    return of_event_bridge(service_at(endpoints.EVENT_BRIDGE))


@functools.cache
def secrets_manager() -> JsonApi:
    """Return the process's Secrets Manager."""
    return of_secrets_manager(service_at(endpoints.SECRETS_MANAGER))


def of_dynamodb(service: Service) -> JsonApi:
    """Return DynamoDB behind *service*."""
    return JsonApi(service, target="DynamoDB_20120810", version="1.0")


def of_event_bridge(service: Service) -> JsonApi:
    """Return EventBridge behind *service*."""
    return JsonApi(service, target="AWSEvents", version="1.1")


def of_secrets_manager(service: Service) -> JsonApi:
    """Return Secrets Manager behind *service*."""
    return JsonApi(service, target="secretsmanager", version="1.1")


def json_body(answer: Answer) -> bytes:
    """Return the body of a success; AwsRefusal with the JSON of anything else."""
    if answer.status < 300:
        return answer.read_all(_MAX_ANSWER_BYTES)
    raise _refusal(answer, answer.read_all(_MAX_REFUSAL_BYTES))


def _members(answer: Answer) -> dict[str, Any]:
    body = json_body(answer)
    # DynamoDB sends one with each answer.
    if (crc := answer.headers.get("x-amz-crc32")) and int(crc) != zlib.crc32(body):
        raise NoAnswer("the answer arrived damaged: its CRC-32 is another")
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise NoAnswer(f"the answer is no JSON object: {error}") from error


def _refusal(answer: Answer, body: bytes) -> AwsRefusal:
    """Return what a JSON service's refusal says; one without JSON has its status for a code."""
    try:
        members = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        members = {}
    # "aws.protocoltests#FooError:http://…": AWS JSON 1.1 protocol, "Operation error serialization".
    named = answer.headers.get("x-amzn-errortype") or members.get("__type") or str(answer.status)
    code = str(named).partition(":")[0].rpartition("#")[2]
    message = members.get("message") or members.get("Message") or code
    return AwsRefusal(code, str(message), answer.status, members)
