"""A cloud that answers one operation with one fault, and all others well: for our own client, and in boto3's place."""

import functools
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.errorfactory import ClientExceptionsFactory
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from docs.aws_errors.documented import Fault
from docs.aws_errors.sites import Site, model
from shared.aws import NoAnswer, Service
from shared.aws.connections import Answer, Request
from shared.aws.credentials import Credentials
from shared.aws.endpoints import Endpoint
from shared.aws.service import Patience

_URL = "https://aws.example"
_ENDPOINT = Endpoint(origin=_URL, region="eu-west-1", signing_name="s3", is_aws=False)
_WELL = {"s3": b"<Done><UploadId>u</UploadId><ETag>e</ETag></Done>"}
# Who asks again, and how often, is tested where the client is; here each call is made once.
_ONCE = Patience(attempts=1)
Answers = Mapping[str, Any]


class Cloud:
    """Answers the call of *site* with *fault*.

    ``after`` is how many other calls of our own client come before it; ``asked`` counts how often a boto3 client was asked
    for the operation, which goes wrong only the first time where it ``is_passing``.
    """

    def __init__(self, site: Site, fault: Fault) -> None:
        self._site = site
        self._fault = fault
        self.after = 0
        self.asked = 0
        self.is_passing = False

    def service(self) -> Service:
        """Return our own client's service, of whatever kind the site asks."""
        keys = Credentials(key_id="k", secret_key="s")  # noqa: S106  # of nobody
        return Service(_ENDPOINT, self, who=lambda: keys, patience=_ONCE)

    def send(self, request: Request) -> Answer:
        """Take the place of the connections."""
        self.after -= 1
        if self.after != -1:
            return Answer(200, {}, io.BytesIO(_WELL.get(self._site.service, b"{}")))
        if not self._fault.code:
            raise NoAnswer(self._fault.case, is_late=self._fault.is_late)
        body = b"" if request.method == "HEAD" else _body(self._site.service, self._fault)
        return Answer(self._fault.status, {}, io.BytesIO(body))

    def client(self, **answers: Any) -> "Client":
        """Return a boto3 client; *answers* are of operations by their methods' names.

        One may be a list, given out in order: of answers, and of errors to raise.
        """
        return self.client_of(self._site.service, **answers)

    def client_of(self, service: str, **answers: Any) -> "Client":
        """Return a boto3 client of *service*, which answers well where it is another one than the site's."""
        return Client(self, service, answers)

    def is_of(self, operation: str) -> bool:
        """Say whether it is *operation* that goes wrong."""
        return self._site.operation == operation

    def error_for(self, service: str, method: str) -> Exception | None:
        """Return what a call of *method* ends with, None where it is answered well."""
        if service != self._site.service or method != xform_name(self._site.operation):
            return None
        self.asked += 1
        if self.is_passing and self.asked > 1:
            return None
        if self._fault.code:
            return refusal(self._fault, service)
        kind = ReadTimeoutError if self._fault.is_late else EndpointConnectionError
        error: Exception = kind(endpoint_url=_URL)
        return error


class Client:
    """Stands where boto3's client does."""

    def __init__(self, cloud: Cloud, service: str, answers: Answers) -> None:
        self._cloud = cloud
        self._service = service
        self._answers = answers
        self.exceptions = exceptions_of(service)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **_: self._answer(method)

    def get_paginator(self, method: str) -> Any:
        """Return what has one page."""
        pages = lambda **_: iter([self._answer(method)])  # noqa: E731
        return type("Paginator", (), {"paginate": staticmethod(pages)})

    def _answer(self, method: str) -> Any:
        known = self._answers.get(method)
        answer = known.pop(0) if isinstance(known, list) and known else known
        if isinstance(answer, Exception):
            raise answer
        error = None if answer else self._cloud.error_for(self._service, method)
        if error:
            raise error
        return answer or {}


@functools.cache
def exceptions_of(service: str) -> Any:
    """Return the classes that boto3's client raises for the errors of a service's model."""
    return ClientExceptionsFactory().create_client_exceptions(model(service))


def refusal(fault: Fault, service: str = "sagemaker") -> Exception:
    """Return a fault as botocore raises it."""
    told = {"Code": fault.code, "Message": fault.message}
    kind = exceptions_of(service).from_code(fault.code)
    error: Exception = kind(
        {"Error": told, "ResponseMetadata": {"HTTPStatusCode": fault.status}}, "Operation"
    )
    return error


def _body(service: str, fault: Fault) -> bytes:
    if fault.code == str(fault.status):
        return b"<html>not the service's own words</html>"
    if service == "s3":
        return f"<Error><Code>{fault.code}</Code><Message>{fault.message}</Message></Error>".encode()
    # The last word of a case is what tells it apart.
    told = fault.case.rpartition(" ")[2]
    members: dict[str, Any] = {"__type": fault.code, "message": fault.message}
    if fault.code == "ModelError":
        members |= {"OriginalStatusCode": int(told), "OriginalMessage": '{"error": "no"}'}
    if fault.code == "TransactionCanceledException":
        members |= {"CancellationReasons": [{"Code": told}]}
    return json.dumps(members).encode()
