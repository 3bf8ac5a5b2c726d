"""The record of a request as lines of the function's log: ids and outputs, never what was asked.

A line is one JSON object with ``"log": "prediction"``, by which the subscription of the log finds it. CloudWatch
takes 256 KB a line: an answer that is longer travels compressed, in several.
"""

import base64
import binascii
import gzip
import zlib
from collections.abc import Sequence

import msgspec
from chalicelib.inference.answers import Answer

# CloudWatch Logs takes events of 256 KB with 26 bytes of its own, Lambda cuts longer ones off in silence.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
LINE_BYTES = 200_000
_PIECE_BYTES = LINE_BYTES * 3 // 4  # what base64 makes a line of


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was answered, and where the pipeline wants it, the keyed hashes of the records."""

    predictions: Sequence[Answer] = ()
    hashes: tuple[str, ...] = ()


class LogLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="log", tag="prediction"
):
    """One line: a whole record with its ``content``, or one of its ``parts`` with a piece of it, ``packed``.

    ``outcome`` is ok, or what kept the version from answering; then there is no content.
    """

    request_id: str
    pipeline: str
    model_version: str
    at: str
    latency_ms: float
    outcome: str = "ok"
    cold: bool = False
    row_count: int = 0
    places: tuple[int, ...] | None = None
    inputs: str = "none"
    part: int = 0
    parts: int = 1
    content: Content | None = None
    packed: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(LogLine)
_CONTENT = msgspec.json.Decoder(Content)


def spell(line: LogLine) -> list[str]:
    """Return *line* as text, as several where it is too long for one."""
    whole = _ENCODER.encode(line)
    if len(whole) <= LINE_BYTES:
        return [whole.decode()]
    body = pack(line.content or Content())
    pieces = [body[start : start + _PIECE_BYTES] for start in range(0, len(body), _PIECE_BYTES)]
    return [
        _ENCODER.encode(
            msgspec.structs.replace(
                line, content=None, packed=base64.b64encode(piece).decode(), part=part, parts=len(pieces)
            )
        ).decode()
        for part, piece in enumerate(pieces)
    ]


def read(text: str) -> LogLine | None:
    """Return the line that *text* is, None where it is none of ours or was cut off."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def body_of(line: LogLine) -> bytes:
    """Return the piece of the packed content that *line* carries.

    Raises
    ------
    ValueError
        It is no base64.
    """
    if line.content is not None:
        return pack(line.content)
    try:
        return base64.b64decode(line.packed, validate=True)
    except binascii.Error as error:
        raise ValueError(f"part {line.part} of {line.request_id} is no base64") from error


def pack(content: Content) -> bytes:
    """Return *content* compressed."""
    # No time of packing in it: the same content is the same bytes, whoever packs it again.
    return gzip.compress(_ENCODER.encode(content), compresslevel=1, mtime=0)


def unpack(body: bytes) -> Content | None:
    """Return the content, None where *body* is not the whole of it."""
    try:
        return _CONTENT.decode(gzip.decompress(body))
    except (EOFError, OSError, zlib.error, msgspec.DecodeError):
        return None
