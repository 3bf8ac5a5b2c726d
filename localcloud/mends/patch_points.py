"""Check that MiniStack is what a mend was written for, before touching it."""

import functools
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from localcloud.errors import PatchPointMissing

MINISTACK_VERSION = "1.5.33"


def require(mend: str, owner: Any, name: str, *fragments: str) -> Any:
    """Return the attribute to patch, after making sure that it still reads as the mend expects.

    Parameters
    ----------
    mend
        Who asks, for the error.
    owner, name
        Module or class, and the attribute in it.
    fragments
        Lines that must be in the source of the attribute (or in its text, for a string).

    Raises
    ------
    PatchPointMissing
        Naming the mend, the attribute or fragment, and MiniStack's version.
    """
    label = f"{getattr(owner, '__name__', owner)}.{name}"
    if not hasattr(owner, name):
        raise PatchPointMissing(mend, label, version("ministack"))
    value = getattr(owner, name)
    if fragments:
        source = _source(value)
        for fragment in fragments:
            if fragment not in source:
                raise PatchPointMissing(mend, f"{fragment!r} in {label}", version("ministack"))
    return value


def _source(value: Any) -> str:
    """Return the text to look in; of a function another mend has wrapped, the original's."""
    return value if isinstance(value, str) else inspect.getsource(inspect.unwrap(value))


def require_version() -> None:
    """Refuse any MiniStack but the pinned one: the mends rest on its private names."""
    found = version("ministack")
    if found != MINISTACK_VERSION:
        raise PatchPointMissing("all", f"version {MINISTACK_VERSION}", found)


def wraps[F: Callable[..., Any]](original: Any) -> Callable[[F], F]:
    """Mark a replacement as wrapping the original, so that later mends still see its source."""

    def mark(replacement: F) -> F:
        functools.update_wrapper(replacement, original)
        return replacement

    return mark
