"""Lambda: functions that were deployed with the same zip share it in memory, and it is hashed once."""

from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_code"


def mend(settings: Settings) -> None:
    """Keep one copy of each zip, whoever was created or updated with it, and remember its digest.

    AWS: what it holds is not ours to see.
    MiniStack 1.5.33: each function holds a zip of its own until the next start, which reads each of them once: five functions
    of a service of 38 MB are 190 MB (measured). It hashes each of them again for every snapshot of its state, some a minute, on
    the loop that answers calls (read).
    """
    del settings
    create = require(MEND, lambda_svc, "_create_function", '"code_zip": code_zip,')
    update = require(MEND, lambda_svc, "_update_code", 'func["code_zip"] = code_zip')

    @wraps(create)
    def create_function(data: dict[str, Any]) -> Any:
        answer = create(data)
        _share(str(data.get("FunctionName")))
        return answer

    @wraps(update)
    def update_code(name: str, data: dict[str, Any]) -> Any:
        answer = update(name, data)
        _share(name)
        return answer

    write = require(MEND, lambda_svc, "_write_code_blob", "sha = hashlib.sha256(code_zip).hexdigest()")
    digests: dict[int, tuple[bytes, str]] = {}

    @wraps(write)
    def write_code_blob(code_zip: bytes) -> str:
        known = digests.get(id(code_zip))
        # The very same bytes, whose file is still there.
        if known and known[0] is code_zip and (Path(lambda_svc.CODE_BLOB_DIR) / f"{known[1]}.zip").exists():
            return known[1]
        digest = str(write(code_zip))
        in_use = {id(function["code_zip"]) for function in lambda_svc._functions._data.values()}
        for number in digests.keys() - in_use:
            del digests[number]
        digests[id(code_zip)] = code_zip, digest
        return digest

    lambda_svc._write_code_blob = write_code_blob
    lambda_svc._create_function = create_function
    lambda_svc._update_code = update_code


def _share(name: str) -> None:
    """Let a function have the zip that another one has already, when it is the same."""
    function = lambda_svc._functions.get(name)
    if function is None:
        return
    for other in list(lambda_svc._functions.values()):
        code = other["code_zip"]
        if other is not function and code and code == function["code_zip"]:
            function["code_zip"] = code
            return
