"""S3: a range of an older version is a range."""

from typing import Any

from ministack.services import s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "version_ranges"


def mend(settings: Settings) -> None:
    """Answer GetObject with both `Range` and `versionId` with 206 and that range.

    AWS: the range of the version, 416 InvalidRange where it begins past the end; checksums of the whole do not
    come with a part of it (S3 API reference, GetObject; S3 user guide, "Checking object integrity").
    MiniStack 1.5.33: honours ranges of the newest version only; with a version id it sends the whole object
    with 200 (tried).
    """
    del settings
    get = require(
        MEND, s3, "_get_object", 'range_header = headers.get("range", "")', "return 200, resp_headers, body"
    )
    require(MEND, s3, "_parse_range", "range_header: str, total: int")
    require(MEND, s3, "_range_error_xml", "bucket_name: str, key: str")

    @wraps(get)
    def get_object(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> Any:
        answer = get(bucket_name, key, headers, query_params)
        wanted = headers.get("range", "")
        if answer[0] != 200 or not wanted or not s3._qp(query_params or {}, "versionId"):
            return answer
        return in_range(answer, wanted, (bucket_name, key))

    s3._get_object = get_object


def in_range(answer: Any, wanted: str, place: tuple[str, str]) -> Any:
    """Return the part of a whole answer that was asked for."""
    _status, headers, body = answer
    found = s3._parse_range(wanted, len(body))
    if found is None:
        refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, refused, s3._xml_body(s3._range_error_xml(*place))
    start, end = found
    kept = {name: value for name, value in headers.items() if not name.lower().startswith("x-amz-checksum-")}
    kept["Content-Length"] = str(end - start + 1)
    kept["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
    return 206, kept, body[start : end + 1]
