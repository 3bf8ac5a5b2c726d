"""One file to the address a presigned POST names, streamed from disk."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from headrace.client.parts import CHUNK_BYTES
from headrace.client.transport import HttpAnswer, HttpRequest, Transport

# A quoted name as browsers write it in multipart/form-data (WHATWG).
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class PresignedPost(msgspec.Struct, frozen=True, kw_only=True):
    """Address and form fields of one allowed upload."""

    url: str
    fields: dict[str, str]


def post_file(
    transport: Transport, post: PresignedPost, file: Path, on_sent: Callable[[int], None]
) -> HttpAnswer:
    """Send *file* as the form's last field; `on_sent` hears how many of its bytes are on their way."""
    boundary = f"headrace-{secrets.token_hex(16)}"
    head, tail = form_around(post.fields, file.name, boundary)
    # S3 takes no chunked transfer encoding for a POST form: the length has to be known before the first byte.
    length = len(head) + file.stat().st_size + len(tail)
    return transport.send(
        HttpRequest(
            method="POST",
            url=post.url,
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Content-Length": str(length),
            },
            body=_stream(head, file, tail, on_sent),
        )
    )


def form_around(fields: Mapping[str, str], filename: str, boundary: str) -> tuple[bytes, bytes]:
    """Return the bytes of the form before and after the file's own; S3 ignores fields after the file."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    quoted = filename.translate(_ESCAPES)
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _stream(head: bytes, file: Path, tail: bytes, on_sent: Callable[[int], None]) -> Iterator[bytes]:
    yield head
    sent = 0
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
            sent += len(chunk)
            on_sent(sent)
    yield tail
