"""Tell a text file's encoding and bring it to UTF-8, chunk by chunk; never guess where a guess could be wrong."""

import codecs
from collections.abc import Iterable, Iterator

from chalicelib.ingest.reasons import rejection

HEAD_BYTES = 1 << 20
# The longer marks first: UTF-32's begins as UTF-16's does. These codecs read past their own mark.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = {"utf-8", "utf-8-sig"}
# Codecs of names and escapes: not what a file is saved in, some quadratic in the length of a line.
_NOT_FOR_FILES = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"}


def encoding_of(head: bytes, declared: str | None) -> str:
    """Return the codec name of the text that begins with *head* (raw, at most 1 MiB of it).

    A mark wins over what is *declared*, that over what is detected.

    Raises
    ------
    InvalidDataset
        ``bad_dialect`` for a codec that does not exist, ``not_text`` or ``wrong_encoding``.
    """
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if declared is not None:
        return checked_encoding(declared)
    if b"\0" in head:
        raise _not_text(head.index(0))
    error = _first_error(head)
    if error is None:
        return "utf-8"
    # A few wrong bytes among right sequences are damage: a guess would turn all right ones into nonsense.
    detected = None if _is_mostly_utf8(head) else _detect(head)
    if detected is None:
        raise wrong_encoding(error, head[error], "utf-8")
    return detected


def checked_encoding(name: str) -> str:
    """Return Python's own name of the text encoding *name*.

    Raises
    ------
    InvalidDataset
        ``bad_dialect``: there is none of this name, or none that files are saved in.
    """
    try:
        found = codecs.lookup(name).name
        b"a".decode(found)  # says no to rot13, base64 and the like
        codecs.getincrementaldecoder(found)
    except UnicodeDecodeError:
        pass  # b"a" is half a character of UTF-16: a text encoding all the same
    except (LookupError, ValueError):
        found = ""
    if not found or found in _NOT_FOR_FILES:
        raise rejection("bad_dialect", f"data.encoding is {name!r}, which is no encoding of text files.")
    return found


def wrong_encoding(offset: int, byte: int, encoding: str) -> Exception:
    """Return the rejection that names the first byte that is not *encoding*."""
    shown = "UTF-8" if encoding in _UTF8 else encoding
    return rejection(
        "wrong_encoding",
        f"Byte {offset} of the file (0x{byte:02x}) is not {shown}; save the file as UTF-8, "
        "or say what it is in data.encoding.",
    )


def to_utf8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield *chunks* as UTF-8 without a mark; what is UTF-8 already is only checked.

    Raises
    ------
    InvalidDataset
        ``wrong_encoding`` or ``not_text``, with the place of the byte.
    """
    if encoding in _UTF8:
        return _checked(chunks, has_mark=encoding == "utf-8-sig")
    return _transcoded(chunks, encoding)


def _checked(chunks: Iterable[bytes], *, has_mark: bool) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, pending = 0, 0
    for chunk in chunks:
        # The common case, ASCII only, needs no decoder.
        if pending or not chunk.isascii():
            _decode(decoder, chunk, offset - pending, "utf-8")
            pending = len(decoder.getstate()[0])
        if b"\0" in chunk:
            raise _not_text(offset + chunk.index(0))
        yield chunk.removeprefix(codecs.BOM_UTF8) if has_mark and not offset else chunk
        offset += len(chunk)
    _decode(decoder, b"", offset - pending, "utf-8", final=True)


def _transcoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, pending = 0, 0
    for chunk in chunks:
        cells = _decode(decoder, chunk, offset - pending, encoding).encode()
        pending = len(decoder.getstate()[0])
        if b"\0" in cells:
            raise _not_text(offset)
        offset += len(chunk)
        yield cells
    _decode(decoder, b"", offset - pending, encoding, final=True)


def _decode(
    decoder: codecs.IncrementalDecoder, chunk: bytes, offset: int, encoding: str, *, final: bool = False
) -> str:
    """Decode *chunk*; *offset* is where in the file the decoder's pending bytes begin."""
    try:
        return decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        raise wrong_encoding(offset + error.start, error.object[error.start], encoding) from None


def _not_text(offset: int) -> Exception:
    return rejection("not_text", f"Byte {offset} of the file is NUL: this is not a text file.")


def _first_error(head: bytes) -> int | None:
    """Return where *head* stops being UTF-8; a character that its end cuts is no error."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _is_mostly_utf8(head: bytes) -> bool:
    text = head.decode(errors="replace")
    wrong = text.count("\ufffd")
    return sum(not character.isascii() for character in text) - wrong >= wrong


def _detect(head: bytes) -> str | None:
    from chalicelib.ingest.formats.encoding_detection import detect  # loads charset-normalizer

    return detect(head)
