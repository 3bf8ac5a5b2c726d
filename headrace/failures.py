"""How a command ends when it does not end well: one line on stderr and a documented exit code.

Failure            1  the work was tried and failed
├── Missing        3  what was named does not exist
├── GateRefused    4  a quality gate said no
├── Conflict       1  what is there is not what the request took it for
├── Unreachable    5  nobody answers at the stage's address
└── BadData        6  the data or the definition given is wrong

Wrong usage is click's own `UsageError`, exit code 2.
"""

import click


class Failure(click.ClickException):
    """The work was tried and failed; click prints the message and ends with `exit_code`."""

    exit_code = 1


class Missing(Failure):
    """What was named does not exist, or the token may not know that it does."""

    exit_code = 3


class GateRefused(Failure):
    """A model version exists, and the quality gate does not let it serve."""

    exit_code = 4


class Conflict(Failure):
    """What is there is not what the request took it for; looking again may help."""


class Unreachable(Failure):
    """Nobody answers at the stage's address."""

    exit_code = 5


class BadData(Failure):
    """The data, the records or the definition given are wrong."""

    exit_code = 6
