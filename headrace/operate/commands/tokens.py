"""`headrace tokens`: who may use the REST API of a stage, and for what."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from headrace.failures import Missing
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.session import Session

if TYPE_CHECKING:
    from infra.stage import Stage
    from shared.entities.serving import Token

SCOPES = ("read", "upload", "predict", "operate")
_COLUMNS = ("id", "scopes", "pipelines", "created_at", "expires_at", "state", "note")
# As the definition's schema has it; the command line reads no service's code.
_PIPELINE = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@click.group("tokens")
def tokens() -> None:
    """Create, list and revoke the tokens of a stage."""


@tokens.add_command
@command("create")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What the token is for; may be given several times. Without it: read.",
)
@click.option(
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="NAME",
    help="A pipeline the token may touch; may be given several times. Without it: all, also later ones.",
)
@click.option(
    "--expires", metavar="TIME", help="When it ends to work: in 30m, 12h or 90d. Without it: never."
)
@click.option("--note", default="", metavar="TEXT", help="Whom or what it is for; `tokens ls` shows it.")
def create_token(
    session: Session, scopes: tuple[str, ...], pipelines: tuple[str, ...], expires: str | None, note: str
) -> None:
    """Create a token, and show it this once.

    The stage keeps only its hash: whoever loses it gets another.
    """
    from infra.tokens import ALL_PIPELINES, mint_token

    expires_at = None if expires is None else _in_future(expires)
    for name in pipelines:
        if not _PIPELINE.fullmatch(name):
            raise click.BadParameter(f"{name!r} can be no pipeline's name", param_hint="--pipeline")
    with told_in_one_line():
        minted = mint_token(
            _stage(session),
            scopes=scopes or ("read",),
            pipelines=pipelines or ALL_PIPELINES,
            expires_at=expires_at,
            note=note,
        )
    session.progress.note("This is the only time the token is shown.")
    session.show({"token": minted.token, **_row(session, minted.row)})


@tokens.add_command
@command("ls")
def list_tokens(session: Session) -> None:
    """List the tokens; none is shown itself."""
    from infra import tokens as stored

    with told_in_one_line():
        found = stored.list_tokens(_stage(session))
    session.show([_row(session, token) for token in found], _COLUMNS)


@tokens.add_command
@command("revoke")
@click.argument("token_id", metavar="ID")
def revoke_token(session: Session, token_id: str) -> None:
    """Make a token open nothing any more.

    API Gateway keeps its answer of the last minute, so the token may work on for so long.
    """
    from infra import tokens as stored
    from infra.errors import NoSuchToken

    with told_in_one_line():
        try:
            revoked = stored.revoke_token(_stage(session), token_id)
        except NoSuchToken as error:
            raise Missing(str(error)) from error
    session.progress.note(f"{token_id} may work on for up to a minute")
    session.show(_row(session, revoked))


def _stage(session: Session) -> "Stage":
    return stage_of(session, find_project(session.folder))


def _row(session: Session, token: "Token") -> dict[str, Any]:
    """Return what is shown of a token; programs get lists as lists."""
    from shared.auth import is_valid

    def listed(names: Iterable[str]) -> list[str] | str:
        return list(names) if session.output == "json" else " ".join(names)

    works = is_valid(token, datetime.now(UTC))
    return {
        "id": token.token_id,
        "scopes": listed(token.scopes),
        "pipelines": listed(token.pipelines),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "state": "revoked" if token.revoked else "works" if works else "expired",
        "note": token.note,
    }


def _in_future(text: str) -> str:
    from shared.clock import to_text

    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text)
    if match is None:
        raise click.BadParameter(f"{text!r} is no time: 30m, 12h or 90d", param_hint="--expires")
    return to_text(datetime.now(UTC) + timedelta(**{_UNITS[match[2]]: int(match[1])}))
