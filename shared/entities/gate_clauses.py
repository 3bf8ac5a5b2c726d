"""The gate's grammar: ``metric op number | champion ± number | baseline ± number``.

Clauses are read by a pattern per token, never evaluated.
"""

import re

import msgspec

from shared.errors import InvalidRequest

REFERENCES = ("champion", "baseline")
FORMS = "'metric op number', 'metric op champion ± number' or 'metric op baseline ± number'"
_TOKEN = re.compile(
    r"\s*(?:(?P<op>>=|<=|>|<)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<sign>[-+])"
    r"|(?P<name>[a-z][a-z0-9_]*))"
)


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One demand: ``metric operator bound``, where ``bound`` is added to ``reference`` if there is one."""

    text: str
    metric: str
    operator: str
    reference: str | None = None
    bound: float


class ClauseError(InvalidRequest):
    """The clause is not in the grammar; the message says where and what was expected."""


def parse_clause(text: str) -> Clause:
    """Return *text* as a clause.

    Raises
    ------
    ClauseError
        Names the position (from 1) and what should stand there.
    """
    # Read by hand for its errors: a position and what should stand there, which no one pattern could tell.
    tokens = _Tokens(text)
    metric = tokens.take("name", "the name of a metric")
    operator = tokens.take("op", "one of >=, <=, >, <")
    reference = None
    if tokens.kind == "name":
        at = tokens.start
        reference = tokens.take("name", "")
        if reference not in REFERENCES:
            raise tokens.expected("a number, champion or baseline", at)
    bound = _bound(tokens, after_reference=reference is not None)
    if tokens.kind != "end":
        raise tokens.expected("the end of the clause")
    return Clause(text=text, metric=metric, operator=operator, reference=reference, bound=bound)


def _bound(tokens: "_Tokens", *, after_reference: bool) -> float:
    """Read ``[±] number``; after a reference the sign is needed and both may be left out."""
    if after_reference and tokens.kind == "end":
        return 0.0
    # A sign before a plain number is allowed too: r2 >= -0.5.
    sign = "+"
    if tokens.kind == "sign" or after_reference:
        sign = tokens.take("sign", "+ or -")
    at = tokens.start
    number = float(tokens.take("number", "a number"))
    if number == float("inf"):
        raise tokens.expected("a number that is not infinite", at)
    return -number if sign == "-" else number


class _Tokens:
    """The clause cut into tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self.kind, self.value, self.start = "", "", 0
        self._advance()

    def take(self, kind: str, what: str) -> str:
        """Return the present token, which must be of *kind*, and go on."""
        if self.kind != kind:
            raise self.expected(what)
        value = self.value
        self._advance()
        return value

    def expected(self, what: str, at: int | None = None) -> ClauseError:
        """Return the error for the present token, or for the one at *at*."""
        start = self.start if at is None else at
        found = repr(self._text[start : start + 20]) if self._text[start:].strip() else "nothing"
        return ClauseError(
            f"gate clause {self._text!r}: expected {what} at position {start + 1}, found {found}"
        )

    def _advance(self) -> None:
        rest = self._text[self._end :]
        match = _TOKEN.match(rest)
        self.start = self._end + len(rest) - len(rest.lstrip())
        if match is None:
            self.kind, self.value = ("unknown", rest) if rest.strip() else ("end", "")
            return
        self.kind, self.value = str(match.lastgroup), match[str(match.lastgroup)]
        self._end += match.end()
