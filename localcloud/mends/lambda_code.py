"""Lambda: functions that were deployed with the same zip share it in memory."""

from typing import Any

from ministack.services import lambda_svc

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "lambda_code"


def mend(settings: Settings) -> None:
    """Keep one copy of each zip, whoever was created or updated with it.

    AWS: what it holds is not ours to see.
    MiniStack 1.5.33: each function holds a zip of its own until the next start, which reads each of them once: five functions
    of a service of 38 MB are 190 MB (measured).
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
