"""Records that a model refuses, found by halving: it is asked for all, and for ever smaller parts of what it refused."""

import re
from collections.abc import Callable, Iterator, Sequence

import msgspec
from chalicelib.inference.answers import Answer

from shared.errors import InvalidBody, PayloadTooLarge

Ask = Callable[[list[msgspec.Raw]], list[Answer]]

# Containers of ours name a record by its place among those that they were asked for: here there is one.
_OF_ONE = re.compile(r"^The model refuses the records: (Record 0[:,]? )?")


def ask_in_halves(
    ask: Ask, rows: Sequence[tuple[int, msgspec.Raw]], has_time: Callable[[], bool] = lambda: True
) -> Iterator[tuple[list[int], list[Answer] | str]]:
    """Yield the answers to *rows* with their places; of a record that is refused its place and why.

    Raises
    ------
    InvalidBody, PayloadTooLarge
        Some of them are refused, and there is no time to find out which.
    """
    if not rows:
        return
    places = [place for place, _ in rows]
    try:
        yield places, ask([record for _, record in rows])
    except (InvalidBody, PayloadTooLarge) as error:
        if len(rows) == 1:
            yield places, _OF_ONE.sub("the model refuses it: ", str(error))
            return
        if not has_time():
            raise
        half = len(rows) // 2
        for part in (rows[:half], rows[half:]):
            yield from ask_in_halves(ask, part, has_time)
