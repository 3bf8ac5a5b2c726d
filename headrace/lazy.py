"""A click group that imports a command only when it is called, so that `headrace --help` stays instant."""

from importlib import import_module
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """Where a command lives (`module:attribute`) and the line `--help` shows without importing it."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """A group over a table of entries, in titled sections as `--help` prints them."""

    def __init__(self, *args: object, sections: dict[str, dict[str, Entry]], **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.sections = sections
        self._entries = {name: entry for section in sections.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module and return the command, None when there is no such name."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        # boto3, chalice and the local cloud hang on single commands: importing all would cost seconds.
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name is told the nearest known ones."""
        name = args[0]
        if name not in self._entries and not name.startswith("-"):
            raise click.exceptions.NoSuchCommand(name, possibilities=list(self._entries), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections from the table: no command is imported."""
        for title, entries in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in entries.items()])
