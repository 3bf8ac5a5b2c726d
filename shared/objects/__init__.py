"""Objects in S3: whole, as a stream of one exact version, in parts, copied inside S3.

``bucket`` is the adapter; ``stream`` and ``writer`` are its long reads and writes, ``multipart`` its uploads in
parts, ``facts`` what they tell each other, ``refusals`` S3's own error codes.
"""

from shared.objects.bucket import Bucket, split_uri
from shared.objects.facts import MAX_PARTS, MIN_PART_BYTES, ObjectInfo, PartInfo, PresignedPart
from shared.objects.stream import READ_BYTES, ObjectStream
from shared.objects.writer import ObjectWriter

__all__ = [
    "MAX_PARTS",
    "MIN_PART_BYTES",
    "READ_BYTES",
    "Bucket",
    "ObjectInfo",
    "ObjectStream",
    "ObjectWriter",
    "PartInfo",
    "PresignedPart",
    "split_uri",
]
