"""A legal change of a row's state, as data: one table of these is all that a state machine may do.

The service writes no other change, the explorer of ``tests/explorer`` sees that none happens, the reference draws them.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class Move[State: StrEnum](msgspec.Struct, frozen=True):
    """From one of the states *after* to the state *to*; *when* tells what makes it happen.

    An empty *after* makes the row: there was none.
    """

    after: Sequence[State]
    to: State
    when: str
