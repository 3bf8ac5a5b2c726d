"""A small, fast S3 for benchmarks: objects are files of a folder, signatures are not looked at.

`python -m benchmarks.ingest.store FOLDER` prints its port and serves until it is ended: GET with ranges, HEAD, PUT,
uploads in parts, DELETE and ListObjectsV2. Emulators would be the slowest part of every figure.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import msgspec

_XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"
_HEAD_BYTES = 1 << 16


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request; ``body`` is what the object is to hold."""

    method: str
    key: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One response: bytes, or a stretch of a file."""

    status: str = "200 OK"
    headers: dict[str, str] = {}
    body: bytes = b""
    file: Path | None = None
    start: int = 0
    length: int = 0


class Store:
    """The objects under *folder*, one file a key, the bucket being its first folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, asked: Asked) -> Answer:
        """Do what *asked* wants."""
        methods: dict[str, Callable[[Asked], Answer]] = {
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }
        return methods[asked.method](asked)

    def _get(self, asked: Asked) -> Answer:
        if "list-type" in asked.query:
            return self._list(asked)
        path = self._folder / asked.key
        if not path.is_file():
            is_bucket = "/" not in asked.key.strip("/")
            body = b"" if asked.method == "HEAD" else b"<Error><Code>NoSuchKey</Code></Error>"
            return Answer() if is_bucket else Answer(status="404 Not Found", body=body)
        return _stretch(path, asked.headers.get("range"))

    def _list(self, asked: Asked) -> Answer:
        bucket = self._folder / asked.key.strip("/")
        prefix = asked.query.get("prefix", "")
        files = sorted(path for path in bucket.rglob("*") if path.is_file())
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{_etag(path)}</ETag><Size>{path.stat().st_size}</Size></Contents>"
            for path in files
            if (key := path.relative_to(bucket).as_posix()).startswith(prefix)
        )
        return _xml("ListBucketResult", f"<IsTruncated>false</IsTruncated>{entries}")

    def _put(self, asked: Asked) -> Answer:
        part = asked.query.get("partNumber")
        path = self._folder / asked.key
        path = self._part(path, int(part)) if part else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(asked.body)
        sent = {name: text for name, text in asked.headers.items() if name.startswith("x-amz-checksum-")}
        return Answer(headers={"ETag": _etag(path), **sent})

    def _post(self, asked: Asked) -> Answer:
        key = f"<Bucket>b</Bucket><Key>{escape(asked.key.partition('/')[2])}</Key>"
        if "uploads" in asked.query:
            return _xml("InitiateMultipartUploadResult", f"{key}<UploadId>one</UploadId>")
        path = self._folder / asked.key
        number = 1
        # One upload of a key at a time, its parts numbered from 1: that is all our benchmarks do.
        with path.open("wb") as whole:
            while (part := self._part(path, number)).is_file():
                whole.write(part.read_bytes())
                part.unlink()
                number += 1
        return _xml("CompleteMultipartUploadResult", f"{key}<ETag>{_etag(path)}</ETag>")

    def _delete(self, asked: Asked) -> Answer:
        (self._folder / asked.key).unlink(missing_ok=True)
        return Answer(status="204 No Content")

    def _part(self, path: Path, number: int) -> Path:
        return path.with_name(f"{path.name}.part{number}")


async def serve(folder: Path) -> None:
    """Serve the objects of *folder* on a free port of this machine, which is printed."""
    store = Store(folder)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _send(store.answer(asked := await _receive(reader, writer)), asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has all it wanted
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_HEAD_BYTES)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in head[1:])}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    body = await _body(reader, headers)
    key = unquote(url.path).lstrip("/")
    return Asked(method=method, key=key, query=query, headers=headers, body=body)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    # AWS's own framing inside: signatures or a checksum travel behind the bytes.
    return _unframed(body) if "x-amz-decoded-content-length" in headers else body


def _unframed(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].partition(b";")[0], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(body[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


async def _send(answer: Answer, asked: Asked, writer: asyncio.StreamWriter) -> None:
    headers = {"Content-Length": str(answer.length or len(answer.body)), **answer.headers}
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    writer.write(f"HTTP/1.1 {answer.status}\r\n{lines}\r\n".encode() + answer.body)
    await writer.drain()
    if answer.file and asked.method == "GET":
        with answer.file.open("rb") as file:
            loop = asyncio.get_running_loop()
            await loop.sendfile(writer.transport, file, answer.start, answer.length)


def _stretch(path: Path, wanted: str | None) -> Answer:
    size = path.stat().st_size
    first, last = 0, size - 1
    headers = {"ETag": _etag(path), "Accept-Ranges": "bytes", "Last-Modified": _MODIFIED}
    if wanted:
        begin, _, end = wanted.removeprefix("bytes=").partition("-")
        first = int(begin) if begin else max(0, size - int(end))
        last = min(int(end), last) if begin and end else last
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    status = "206 Partial Content" if wanted else "200 OK"
    return Answer(status=status, headers=headers, file=path, start=first, length=last - first + 1)


def _etag(path: Path) -> str:
    return f'"{path.stat().st_size:032x}"'


def _xml(name: str, inside: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?><{name} {_XMLNS}>{inside}</{name}>'
    return Answer(headers={"Content-Type": "application/xml"}, body=body.encode())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
