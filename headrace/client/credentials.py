"""Where the API is and which token opens it: from the environment, or from `.headrace/<stage>.json`."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec

from headrace.client.transport import LOOPBACK
from headrace.failures import Failure

FOLDER = ".headrace"
STAGE = re.compile(r"[a-z]{2,8}")


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's address and token. The file has mode 0600, since whoever reads it may act as its owner."""

    stage: str
    url: str
    token: str


def find_credentials(asked: str | None, environ: Mapping[str, str], folder: Path) -> Credentials:
    """Return the credentials of the stage.

    Parameters
    ----------
    asked
        The stage named with `--stage`: then only its file counts, so that variables exported for one stage
        never send a command to another. None takes HEADRACE_URL and HEADRACE_TOKEN, then the file of `local`.

    Raises
    ------
    Failure
        There are none, or the address would send the token unencrypted over a network.
    """
    stage = asked or environ.get("HEADRACE_STAGE") or "local"
    exported = {} if asked else environ
    url, token = exported.get("HEADRACE_URL", ""), exported.get("HEADRACE_TOKEN", "")
    if not (url and token):
        stored = _stored(stage, folder)
        url, token = url or stored.url, token or stored.token
    return Credentials(stage=stage, url=_checked(url), token=_plain(token))


def _stored(stage: str, folder: Path) -> Credentials:
    stored = read_credentials(stage, folder)
    if stored is None:
        remedy = "start it with `headrace up`" if stage == "local" else "set HEADRACE_URL and HEADRACE_TOKEN"
        raise Failure(f"no address and token for the stage {stage!r} here: {remedy}")
    return stored


def read_credentials(stage: str, folder: Path) -> Credentials | None:
    """Return what the nearest `.headrace` folder, here or above, keeps for the stage."""
    require_stage(stage)
    for place in (folder, *folder.parents):
        file = place / FOLDER / f"{stage}.json"
        if file.is_file():
            try:
                return msgspec.json.decode(file.read_bytes(), type=Credentials)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise Failure(f"{file} cannot be read ({error}): remove it and deploy again") from error
    return None


def write_credentials(credentials: Credentials, folder: Path) -> Path:
    """Keep the credentials in the folder's `.headrace`, readable by the owner only; return the file."""
    file = folder / FOLDER / f"{credentials.stage}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    # Made with its mode and renamed: the token is never readable by others, not even for a moment.
    partial = file.with_suffix(".tmp")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(msgspec.json.format(msgspec.json.encode(credentials)) + b"\n")
    partial.replace(file)
    return file


def require_stage(stage: str) -> str:
    """Return the stage's name if it is one; it becomes part of a path."""
    if not STAGE.fullmatch(stage):
        raise click.UsageError(f"{stage!r} is no stage: a name has 2 to 8 lower-case letters")
    return stage


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Failure(f"HEADRACE_URL={url!r} is no address: it starts with https://")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise Failure(f"HEADRACE_URL={url!r} would send the token in clear text: use https://")
    # People copy the API's address with its version.
    return url.rstrip("/").removesuffix("/v1")


def _plain(token: str) -> str:
    """Return the token without the line end that a file or a copy adds."""
    token = token.strip()
    if not (token.isascii() and token.isprintable()):
        raise Failure("HEADRACE_TOKEN is no token: it holds characters that no token has")
    return token
