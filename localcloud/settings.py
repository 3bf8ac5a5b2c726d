"""What one local cloud is started with."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from localcloud.home import Home

ACCOUNT_ID = "000000000000"
REGION = "us-east-1"
DEFAULT_PORT = 4577

# Of the caller's environment only these reach the server: a developer's AWS profile, proxies or
# PYTHON* switches must not change what the cloud does.
_KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "XDG_RUNTIME_DIR")
# The switches of the server and of localcloud/sagemaker/settings.py are meant for it and nobody else.
_KEPT_PREFIX = "LOCALCLOUD_"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All a server and its mends need to know.

    Attributes
    ----------
    iam_ledger, delivery_faults
        Doors for tests, shut without a file: where IAM's decisions are written (`LOCALCLOUD_IAM_LEDGER`), and
        which faults the bus makes (`LOCALCLOUD_DELIVERY_FAULTS`).
    """

    home: Home
    port: int
    lambda_runtime: Path
    images: Path
    async_concurrency: int = 3
    async_retry_base_s: float = 1.0
    iam_ledger: Path | None = None
    delivery_faults: Path | None = None

    @property
    def url(self) -> str:
        """Where the cloud answers."""
        return f"http://127.0.0.1:{self.port}"


def file_named(variable: str, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file that a switch names; None where it is not set."""
    return Path(environment[variable]).absolute() if environment.get(variable) else None


def ministack_environment(settings: Settings) -> dict[str, str]:
    """Return the variables MiniStack reads while it is imported."""
    home = settings.home
    return {
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home.objects),
        "TMPDIR": str(home.tmp),
        "GATEWAY_PORT": str(settings.port),
        # Virtual hosts end in .localhost; binding is hypercorn's business.
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "LAMBDA_EXECUTOR": "local",
        # What a burst has started beside a function's first worker ends after a minute of rest; its default is five.
        "LAMBDA_WARM_TTL_SECONDS": "60",
        # Two listeners nobody asked for, each a port and a second of start-up.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "INFO",
    }


def kept_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's variables that reach the server."""
    return {
        name: value for name, value in environment.items() if name in _KEPT or name.startswith(_KEPT_PREFIX)
    }


def install_environment(settings: Settings) -> None:
    """Replace this process's environment. Call before anything of MiniStack is imported."""
    kept = kept_of(os.environ)
    os.environ.clear()
    os.environ.update(kept, **ministack_environment(settings))
