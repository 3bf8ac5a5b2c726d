"""S3: encryption with KMS needs no key of one's own."""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "managed_keys"
_ASKS_FOR_KMS = ("x-amz-server-side-encryption", "aws:kms")
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def mend(settings: Settings) -> None:
    """Let a write that asks for `aws:kms` and names no key use the account's own managed key.

    AWS: without a key id S3 encrypts with the AWS managed key `aws/s3` (S3 API reference, PutObject); the
    SageMaker SDKs upload everything like that.
    MiniStack 1.5.33: refuses it with InvalidArgument (tried, and said in its docstring).
    """
    del settings
    resolve = require(MEND, s3, "_resolve_sse_write_headers", "headers: dict, bucket_name: str")

    @wraps(resolve)
    def resolve_with_managed_key(headers: dict[str, str], bucket_name: str) -> Any:
        name, value = _ASKS_FOR_KMS
        if headers.get(name) == value and not headers.get(_KEY):
            headers = {**headers, _KEY: f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/s3"}
        return resolve(headers, bucket_name)

    s3._resolve_sse_write_headers = resolve_with_managed_key
