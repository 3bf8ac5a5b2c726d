"""What every format offers: the rows of one immutable object as texts, streamed as often as asked."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import IO, Protocol

import msgspec
from chalicelib.ingest.engine import Scratch


class Source(Protocol):
    """One immutable object version, read from S3 by Lambda functions and processing jobs alike."""

    @property
    def name(self) -> str:
        """The file's name, such as ``flights.csv.gz``."""

    @property
    def size_bytes(self) -> int:
        """The bytes that a complete stream has."""

    def open(self) -> IO[bytes]:
        """Return a new seekable stream that stands at byte 0."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What this process may take on; all counts are of decompressed bytes.

    ``max_bytes`` is what the process can finish (beyond it a larger machine does: :class:`TooLargeHere`);
    ``hard_max_bytes`` is what anyone can (beyond it the upload is rejected ``too_large``). ``max_copied_bytes`` is what
    fits on its disk of a file that is read by place, beside the rows staged from it.
    """

    max_bytes: int
    hard_max_bytes: int
    max_copied_bytes: int = 1 << 62


class TooLargeHere(Exception):
    """The upload is larger than this process can finish; it says nothing against the upload."""


class Reader(Protocol):
    """One file, opened by the module of its format.

    ``columns`` are the checked names in file order, ``declared`` the types that the file itself states
    (type names by column; none for delimited text), ``native`` the types of which a column may hold values as such,
    not as texts that are spelled somehow, ``first_row`` the number that people give the first row, ``decimal_comma`` whether 1,5 in it is likely a number,
    ``is_small`` whether it is certain that little memory holds all its rows.
    ``sha256`` (hex) and ``size_bytes`` describe the raw object and are known after one complete pass.
    """

    columns: tuple[str, ...]
    declared: Mapping[str, str]
    native: Mapping[str, frozenset[str]]
    first_row: int
    decimal_comma: bool
    is_small: bool

    @property
    def sha256(self) -> str:
        """SHA-256 of the raw object's bytes, in hex."""

    @property
    def size_bytes(self) -> int:
        """The raw object's bytes that have arrived."""

    def sample(self, scratch: Scratch) -> str:
        """Return a query, like those of :meth:`rows`, of the first rows: at most about 1 MiB of text."""

    def rows(self, scratch: Scratch) -> AbstractContextManager[Iterator[str]]:
        """Read the source once, from its first byte, while the block runs query after query over all columns.

        Each is to be run to its end before the next is asked for. They select ``n`` (1, 2, … in file order, over all of
        them) and ``c0``, ``c1``, … as texts: as the file has them, not trimmed; NULL where the file has nothing.

        Leaving the block without an error means: the transfer was complete, and the table ``malformed`` holds the
        rows that could not be cut into cells: ``row`` (the number people see), ``rule``, ``value`` (at most 100
        characters of it), ``rank`` (1, 2, … in file order) and ``before`` (accepted rows ahead of it).

        Raises
        ------
        InvalidDataset
            What is wrong with the file as a whole.
        TooLargeHere
            It decompresses to more than this process takes.
        Unavailable
            It did not arrive whole.
        """

    def accepted(self, scratch: Scratch, staged: str) -> int | None:
        """Return the number of rows in *staged*, or None where the pass was wrong and must be done again.

        Raises
        ------
        InvalidDataset, TooLargeHere
            What is only known of the file as a whole.
        """
