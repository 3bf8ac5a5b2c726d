"""What the section ``data`` of a definition must be beyond the types of its fields."""

import codecs
from collections.abc import Iterator

from shared.entities.pipeline import Data

Check = tuple[bool, str, str]  # whether it is wrong, a JSON pointer, what is wrong there

# Text codecs of Python that are no encodings of files: they escape, or encode names of hosts.
_NO_FILES = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
_LINE_ENDS = frozenset("\r\n\0")
_DELIMITED = frozenset({"auto", "csv", "tsv"})


def data_checks(data: Data) -> Iterator[Check]:
    """Yield every check of *data*, the passed ones too."""
    yield not _is_encoding(data.encoding), "/data/encoding", f"{data.encoding!r} is no text encoding we know"
    is_binary = data.format in {"parquet", "images"}
    yield is_binary and data.encoding is not None, "/data/encoding", f"{data.format} files are no text"
    for name, character in (("delimiter", data.delimiter), ("quote", data.quote)):
        pointer = f"/data/{name}"
        yield not _may_separate(character), pointer, "must not be a letter, a digit, a line end or NUL"
        means_nothing = character is not None and data.format not in _DELIMITED
        yield means_nothing, pointer, f"means nothing for {data.format} files"
    is_same = data.delimiter is not None and data.delimiter == (data.quote or '"')
    yield is_same, "/data/delimiter", "is also the quote"
    is_other = data.format == "tsv" and data.delimiter not in {None, "\t"}
    yield is_other, "/data/delimiter", "is not the tab of tsv; write format: csv"


def _is_encoding(name: str | None) -> bool:
    """Say whether Python reads text of the encoding *name* piece by piece."""
    if name is None:
        return True
    try:
        codec = codecs.lookup(name)
        # A codec from bytes to bytes, such as base64, is refused here, not by lookup.
        "a".encode(name)
    except (LookupError, ValueError):
        return False
    return codec.name not in _NO_FILES and codec.incrementaldecoder is not None


def _may_separate(character: str | None) -> bool:
    return character is None or not (character.isalnum() or character in _LINE_ENDS)
