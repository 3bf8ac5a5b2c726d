"""The AWS that a prediction needs, each answer after five milliseconds: `python -m benchmarks.inference.stub` prints its port.

Emulators would be the slowest part of the figure; what is compared is the caller's side alone.
"""

import asyncio
import json
import sys
from typing import Any

from benchmarks.inference import traffic

DELAY_S = 0.005
_AT = "2026-01-01T00:00:00Z"
_ROWS: dict[str, dict[str, Any]] = {
    "pipelines": {
        "definition": {"name": traffic.PIPELINE, "task": "classification", "target": "y"},
        "rev": 1,
    },
    "releases": {"pipeline": traffic.PIPELINE, "live": traffic.VERSION, "gen": 1},
    "models": {
        "pipeline": traffic.PIPELINE,
        "version": traffic.VERSION,
        "number": 1,
        "state": "APPROVED",
        "job_id": "j",
        "task": "classification",
        "artifact_uri": "s3://m/k",
        "artifact_sha256": "0",
        "manifest_uri": "s3://m/k",
        "manifest_sha256": "0",
        "manifest_signature": "0",
        "image_uri": "i",
        "recipe": "tabular",
        "recipe_sha256": "0",
        "dataset_version": "d",
        "dataset_versions": ["d"],
        "inputs": traffic.SIGNATURE,
    },
}


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self) -> None:
        self._read = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole, a moment later."""
        self._read += data
        while b"\r\n\r\n" in self._read:
            head, _, rest = self._read.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
            length = int(headers.get("content-length", 0))
            if headers.get("expect") == "100-continue" and len(rest) < length:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if len(rest) < length:
                return
            self._read = rest[length:]
            answer = _answer(lines[0].split(" ")[1], headers, rest[:length])
            asyncio.get_running_loop().call_later(DELAY_S, self._transport.write, answer)


def _answer(target: str, headers: dict[str, str], body: bytes) -> bytes:
    operation = headers.get("x-amz-target", "")
    if target.startswith("/endpoints/"):
        return _http(traffic.answers(1), "application/json")
    if "Granite" in target or "Granite" in operation:
        is_cbor = "cbor" in headers.get("content-type", "")
        return _http(b"\xa0" if is_cbor else b"{}", headers.get("content-type", ""))
    if operation.endswith("GetItem"):
        return _http(json.dumps(_item(json.loads(body))).encode(), "application/x-amz-json-1.0")
    if operation.endswith("GetSecretValue"):
        secret = {"SecretString": json.dumps({"current": traffic.SECRET, "previous": traffic.SECRET})}
        return _http(json.dumps(secret).encode(), "application/x-amz-json-1.1")
    return _http(b'{"Attributes":{}}', "application/x-amz-json-1.0")


def _item(asked: dict[str, Any]) -> dict[str, Any]:
    from shared.codec import to_item

    row = _ROWS.get(asked["TableName"])
    if row is None:
        return {}
    keys = {name: value["S"] for name, value in asked["Key"].items()}
    return {"Item": to_item({"created_at": _AT, "updated_at": _AT, **row, **keys})}


def _http(body: bytes, kind: str) -> bytes:
    protocol = "smithy-protocol: rpc-v2-cbor\r\n" if "cbor" in kind else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{protocol}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
