"""The options that every command has, and the session they are kept in."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from headrace.session import Session

if TYPE_CHECKING:
    from click.decorators import FC

FORMATS = ("table", "json", "csv")


def session_of(ctx: click.Context) -> Session:
    """Return the session of this call; a test passes its own as `obj`."""
    return ctx.ensure_object(Session)


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Return a callback that keeps an option's value; an option left out never overwrites."""

    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value is not None and not ctx.resilient_parsing:
            setattr(session_of(ctx), name, value)

    return callback


def common_options(function: "FC") -> "FC":
    """Add `-o` and `--stage`; they work before and after the name of a command."""
    stage = click.option(
        "--stage",
        metavar="NAME",
        expose_value=False,
        callback=_keep("stage_asked"),
        help="The stage to work on; without it HEADRACE_URL, or the stage `local`.",
    )
    output = click.option(
        "-o",
        "--output",
        type=click.Choice(FORMATS),
        expose_value=False,
        callback=_keep("output"),
        help="The form of the data on stdout.",
    )
    return stage(output(function))


def limit_option(default: int, order: str) -> Callable[["FC"], "FC"]:
    """Add `--limit` to a command that lists; *order* says which rows come first."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        help=f"At most so many, {order}.",
    )


def command(name: str, **options: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a click command with the common options, which gets the `Session` as its first argument."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def with_session(*args: Any, **kwargs: Any) -> Any:
            return function(session_of(click.get_current_context()), *args, **kwargs)

        as_command: Callable[[Callable[..., Any]], click.Command] = click.command(name, **options)
        return as_command(common_options(with_session))

    return decorate
