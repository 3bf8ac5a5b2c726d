"""`headrace dlq`: events that nobody could handle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
import msgspec

from headrace.failures import Failure, Missing
from headrace.operate.dead_letters import DeadLetters, Letter
from headrace.operate.project import told_in_one_line
from headrace.operate.stages import deployed
from headrace.options import command
from headrace.session import Session

_COLUMNS = ("id", "service", "function", "about", "error", "tries", "sent_at")
_service = click.option(
    "--service", type=click.Choice(("ingest", "training", "inference")), help="Only letters of this service."
)
_all = click.option("--all", "every", is_flag=True, help="All letters, of the service if one is named.")


@click.group("dlq")
def dlq() -> None:
    """Show dead letters, send them again, drop them."""


@dlq.add_command
@command("ls")
@_service
def list_letters(session: Session, service: str | None) -> None:
    """List the events that nobody could handle, oldest first."""
    with _letters(session) as letters:
        session.show([_row(letter) for letter in letters.collect(service)], _COLUMNS)


@dlq.add_command
@command("show")
@click.argument("letter_id", metavar="ID")
def show_letter(session: Session, letter_id: str) -> None:
    """Show one dead letter with its whole event; the beginning of its id is enough."""
    with _letters(session) as letters:
        (letter,) = _named(letters.collect(), (letter_id,))
        session.show({**_row(letter), "event": letter.event})


@dlq.add_command
@command("redrive")
@click.argument("ids", metavar="[ID...]", nargs=-1)
@_all
@_service
def redrive(session: Session, ids: Sequence[str], every: bool, service: str | None) -> None:
    """Start the function of each letter with its event once more.

    Mend the reason first: what fails again comes back as a new letter. A letter is sent once however often
    this is called. Ends with 1 when one could not be sent; the others are.
    """
    with _letters(session) as letters:
        chosen = _chosen(letters.collect(service), ids, every)
        unreadable = [letter for letter in chosen if not letter.function]
        for letter in chosen:
            if letter.function:
                letters.redrive(letter)
        sent = len(chosen) - len(unreadable)
        session.progress.note(f"{sent} sent again")
        if unreadable:
            names = ", ".join(letter.id[:8] for letter in unreadable)
            raise Failure(
                f"{names}: names no function, so it cannot be sent again; `headrace dlq show`, `drop`"
            )


@dlq.add_command
@command("drop")
@click.argument("ids", metavar="[ID...]", nargs=-1)
@_all
@_service
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(session: Session, ids: Sequence[str], every: bool, service: str | None, yes: bool) -> None:
    """Forget letters; the reconcilers may have done by now what they asked for."""
    with _letters(session) as letters:
        chosen = _chosen(letters.collect(service), ids, every)
        if chosen and not yes:
            click.confirm(f"Drop {len(chosen)} dead letters for good?", abort=True, err=True)
        for letter in chosen:
            letters.drop(letter)
        session.progress.note(f"{len(chosen)} dropped")


@contextmanager
def _letters(session: Session) -> Iterator[DeadLetters]:
    with told_in_one_line():
        stage, outputs = deployed(session)
        with DeadLetters.of(stage, outputs) as letters:
            yield letters


def _chosen(letters: Sequence[Letter], ids: Sequence[str], every: bool) -> list[Letter]:
    if bool(ids) == every:
        raise click.UsageError("name letters by their ids (`headrace dlq ls`), or all with --all")
    return list(letters) if every else _named(letters, ids)


def _named(letters: Sequence[Letter], ids: Sequence[str]) -> list[Letter]:
    """Return the letters whose ids begin as asked, each once.

    Raises
    ------
    Missing, UsageError
        Nobody, or more than one, is called so.
    """
    found: dict[str, Letter] = {}
    for asked in ids:
        matching = [letter for letter in letters if letter.id.startswith(asked)]
        if not matching:
            raise Missing(f"no dead letter {asked!r}; `headrace dlq ls` shows all")
        if len(matching) > 1:
            raise click.UsageError(f"{asked!r} begins {len(matching)} ids; give more of it")
        found[matching[0].id] = matching[0]
    return list(found.values())


def _row(letter: Letter) -> dict[str, object]:
    row: dict[str, object] = msgspec.to_builtins(letter)
    return {name: row[name] for name in _COLUMNS}
