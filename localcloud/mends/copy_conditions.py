"""S3: a copy can be told not to overwrite."""

from typing import Any

from ministack.services import s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "copy_conditions"


def mend(settings: Settings) -> None:
    """Let CopyObject honour If-None-Match and If-Match of its destination.

    AWS: 412 PreconditionFailed when the destination exists and `If-None-Match: *` is given (S3 API
    reference, CopyObject, since October 2025).
    MiniStack 1.5.33: checks these headers for PutObject and CompleteMultipartUpload only; a copy
    overwrites (tried).
    """
    del settings
    copy = require(MEND, s3, "_copy_object", "bucket_name: str, dest_key: str, headers: dict")
    require(MEND, s3, "_check_put_preconditions", "headers: dict, existing_obj: dict | None")

    @wraps(copy)
    def copy_object(bucket_name: str, dest_key: str, headers: dict[str, str]) -> Any:
        bucket = s3._ensure_bucket(bucket_name)
        existing = None if bucket is None else bucket["objects"].get(dest_key)
        return s3._check_put_preconditions(headers, existing) or copy(bucket_name, dest_key, headers)

    s3._copy_object = copy_object
