"""S3 as HTTP: where an object is, what to send for it, what an answer in XML says."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from shared.aws.connections import Answer
from shared.aws.endpoints import Endpoint
from shared.aws.errors import AwsRefusal, NoAnswer
from shared.aws.service import EMPTY, Call, Content, Service
from shared.aws.signing import Query, quote_path

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# A page of 1,000 keys of 1,024 bytes, percent-encoded, is some 4 MB.
_MAX_XML_BYTES = 16 * 1024 * 1024
_MAX_REFUSAL_BYTES = 64 * 1024
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Headers = dict[str, str]
# The operations we ask for, as AWS calls them, each with its method.
METHODS = {
    "AbortMultipartUpload": "DELETE",
    "CompleteMultipartUpload": "POST",
    "CopyObject": "PUT",
    "CreateMultipartUpload": "POST",
    "DeleteObject": "DELETE",
    "GetObject": "GET",
    "HeadObject": "HEAD",
    "ListObjectVersions": "GET",
    "ListObjectsV2": "GET",
    "ListParts": "GET",
    "PutObject": "PUT",
    "UploadPart": "PUT",
    "UploadPartCopy": "PUT",
}


def address(endpoint: Endpoint, bucket: str, key: str) -> tuple[str, str]:
    """Return origin and path of an object (of the bucket without *key*).

    AWS wants the bucket in the host name; one with dots would not match the certificate. A cloud at one address
    has it in the path.
    """
    path = f"/{quote_path(key)}"
    if endpoint.is_aws and "." not in bucket:
        scheme, _, host = endpoint.origin.partition("://")
        return f"{scheme}://{bucket}.{host}", path
    return endpoint.origin, f"/{bucket}{path}"


class ObjectCalls:
    """The requests of one bucket's adapter."""

    def __init__(self, service: Service, bucket: str) -> None:
        self.service = service
        self.bucket = bucket

    def send[T](
        self,
        operation: str,
        read: Callable[[Answer], T],
        key: str,
        *,
        query: Query = (),
        headers: Headers | None = None,
        content: Content = EMPTY,
    ) -> T:
        """Return what *read* makes of the answer to *operation*, one of METHODS."""
        origin, path = address(self.service.endpoint, self.bucket, key)
        call = Call(
            method=METHODS[operation],
            path=path,
            query=query,
            headers=headers or {},
            content=content,
            origin=origin,
        )
        return self.service.send(call, read)

    def pages(
        self, operation: str, query: dict[str, str], marks: dict[str, str], key: str = ""
    ) -> Iterator["Element"]:
        """Yield the pages of a listing; *marks* are the parameters it goes on with, by an answer's members."""
        going_on: dict[str, str] = {}
        while True:
            page = self.send(operation, document, key, query=[*{**query, **going_on}.items()])
            yield page
            if text(page, "IsTruncated") != "true":
                return
            going_on = {name: text(page, member) for name, member in marks.items()}
            if "key-marker" in going_on:
                going_on["key-marker"] = key_of(page, going_on["key-marker"])


def headers_of(answer: Answer) -> Headers:
    """Return the headers of an answer whose body says nothing."""
    _accepted(answer).read_all(_MAX_REFUSAL_BYTES)
    return answer.headers


def whole_body(answer: Answer) -> bytes:
    """Return all bytes of an object, compared with the checksum S3 keeps of it, where it keeps one."""
    body = _accepted(answer).body
    try:
        content = body.read(-1)
    finally:
        body.close()
    for name, digest in (("sha256", _sha256), ("crc32", _crc32)):
        told = answer.headers.get(f"x-amz-checksum-{name}", "")
        # One with a dash is of the object's parts, not of its bytes.
        if told and "-" not in told and told != digest(content):
            raise NoAnswer(f"the object arrived damaged: its {name} is not {told}")
    return content


def opened(answer: Answer) -> Answer:
    """Return the answer with its body still to be read."""
    return _accepted(answer)


def document(answer: Answer) -> "Element":
    """Return the XML of an answer; an error in it counts, also where S3 had promised success with a 200 before."""
    content = _accepted(answer).read_all(_MAX_XML_BYTES)
    found = _parsed(content)
    if found is None:
        raise NoAnswer("the answer is no XML")
    if _name(found) == "Error":
        raise AwsRefusal(text(found, "Code"), text(found, "Message"), answer.status)
    return found


def text(element: "Element", name: str) -> str:
    """Return the text of a child, empty where there is none."""
    return element.findtext(f"{{*}}{name}") or ""


def key_of(page: "Element", key: str) -> str:
    """Return a key as *page* spells it: encoded where that was asked for, since XML cannot hold all a key may."""
    return unquote_plus(key) if text(page, "EncodingType") == "url" else key


def children(element: "Element", name: str) -> "list[Element]":
    """Return the children of a name."""
    return element.findall(f"{{*}}{name}")


def _accepted(answer: Answer) -> Answer:
    """Return *answer* if it is a success, raise what it says if not."""
    if answer.status < 300:
        return answer
    content = answer.read_all(_MAX_REFUSAL_BYTES)
    found = _parsed(content)
    if found is None or not text(found, "Code"):
        # Answers to HEAD have no body.
        raise AwsRefusal(str(answer.status), "S3 gave no reason", answer.status)
    raise AwsRefusal(text(found, "Code"), text(found, "Message"), answer.status)


def _parsed(content: bytes) -> "Element | None":
    # Imported late: reading and writing objects needs no XML.
    from xml.etree import ElementTree

    try:
        # S3's own words over a connection of ours; expat has bounds of its own against entities.
        return ElementTree.fromstring(content)  # noqa: S314
    except ElementTree.ParseError:
        return None


def _name(element: Any) -> str:
    tag: str = element.tag
    return tag.rpartition("}")[2]


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _crc32(content: bytes) -> str:
    return base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()
