"""Tell a call to AWS's API from a request of a person or program to the one origin.

On AWS the two have different hosts. Here both come to `http://127.0.0.1:<port>/...`, so the shape
of the request decides. Pure: headers and query in, a verdict out.
"""

from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

import msgspec

ORIGIN_HOSTS = frozenset({"127.0.0.1", "localhost"})
_OWN_PATHS = ("/_ministack", "/_localcloud", "/_localstack", "/_aws/", "/restapis/")
_FORM = "application/x-www-form-urlencoded"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an HTTP request that tell where it belongs; header names in lower case.

    `path` is decoded; `raw_path` is as it came, which a distribution passes on.
    """

    method: str
    path: str
    raw_path: str = ""
    query: str = ""
    headers: Mapping[str, str]

    @property
    def host(self) -> str:
        """Host without its port."""
        return self.headers.get("host", "").rsplit(":", 1)[0].lower()

    @property
    def content_type(self) -> str:
        """Media type without parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def bucket(self) -> str:
        """First segment of the path: a bucket, if there is one of that name."""
        return self.path.lstrip("/").split("/", 1)[0]


def needs_body(request: Request) -> bool:
    """Tell whether only the body can say if this is a query-protocol call (`Action=...`)."""
    return request.method == "POST" and request.content_type == _FORM


def is_aws_call(request: Request, buckets: Collection[str], body: bytes = b"") -> bool:
    """Tell whether the request is meant for an AWS API and not for the origin.

    Parameters
    ----------
    request
        Addressed to one of ORIGIN_HOSTS; any other host is AWS's business anyway.
    buckets
        Names of the existing buckets: browsers post forms to them, unsigned.
    body
        Of a form post (see `needs_body`); empty otherwise.
    """
    return (
        request.path.startswith(_OWN_PATHS)
        or _is_signed(request)
        or "x-amz-target" in request.headers
        or _names_action(request, body)
        or _is_browser_upload(request, buckets)
    )


def _is_signed(request: Request) -> bool:
    """SigV4 or SigV2, in the header or in the query of a presigned URL."""
    if request.headers.get("authorization", "").startswith(("AWS4-", "AWS ")):
        return True
    names = [name for name, _value in parse_qsl(request.query, keep_blank_values=True)]
    return any(name.lower().startswith("x-amz-") or name == "AWSAccessKeyId" for name in names)


def _names_action(request: Request, body: bytes) -> bool:
    """Query protocol (IAM, STS, SNS, CloudFormation): a form with `Action` and `Version`."""
    if not needs_body(request):
        return False
    fields = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True))
    return "Action" in fields


def _is_browser_upload(request: Request, buckets: Collection[str]) -> bool:
    """A presigned POST, or the preflight a browser sends before one."""
    if request.bucket not in buckets:
        return False
    if request.method == "OPTIONS":
        return "access-control-request-method" in request.headers
    return request.method == "POST" and request.content_type == "multipart/form-data"
