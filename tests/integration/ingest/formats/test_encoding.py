"""Text of any declared or certain encoding is read; a doubtful one is refused with the byte that is in doubt."""

import pytest

from shared.errors import InvalidDataset
from tests.integration.ingest.formats.sources import read

GERMAN = (
    "id,stadt,straße\n" + "1,München,Größe\n2,Köln,Übergröße\n3,Düsseldorf,Jägerstraße 5 an der Brücke\n" * 20
)
RUSSIAN = "id,имя,город\n" + "1,Иван,Москва\n2,Ольга,Казань\n3,Пётр,Самара\n" * 20
JAPANESE = "id,名前,都市\n" + "1,山田太郎,東京\n2,鈴木花子,大阪\n3,データ,京都\n" * 20


def rows_of(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split(",")) for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be", "cp1252", "iso8859-15", "mac-roman"]
)
def test_a_declared_encoding_is_read(encoding):
    found = read(GERMAN.encode(encoding), encoding=encoding)
    assert found.rows == rows_of(GERMAN)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("declared", [None, "cp1252"])
def test_a_byte_order_mark_is_believed_before_anything_else(encoding, declared):
    found = read(RUSSIAN.encode(encoding), encoding=declared)
    assert (found.encoding, found.rows) == (encoding, rows_of(RUSSIAN))


def test_utf_16_of_the_other_byte_order_is_read():
    assert read(b"\xfe\xff" + RUSSIAN.encode("utf-16-be")).rows == rows_of(RUSSIAN)


@pytest.mark.parametrize(
    ("text", "encoding"), [(GERMAN, "cp1252"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (JAPANESE, "cp932")]
)
def test_a_language_gives_its_old_encoding_away(text, encoding):
    found = read(text.encode(encoding))
    assert (found.encoding, found.rows) == (encoding, rows_of(text))


@pytest.mark.parametrize(
    ("body", "byte"),
    [
        ("id,a\n1,größe\n2,ä".encode() + b"\xfc\n", 19),
        (b"id,a\n1,caf\xe9\n2,x\n", 10),
        (b"id,a\n" + b"1,x\n" * 10 + b"2,\xff\n", 47),
        ("id,a\n1,größ".encode(), None),
    ],
)
def test_a_doubtful_byte_is_named_and_nothing_guessed(body, byte):
    if byte is None:
        body, byte = body[:-1], len(body) - 2
    with pytest.raises(InvalidDataset, match=rf"Byte {byte} of the file") as raised:
        read(body)
    assert raised.value.reason == "wrong_encoding"


@pytest.mark.parametrize("encoding", ["cp932", "utf-16"])
def test_a_byte_behind_the_first_megabytes_that_breaks_the_encoding_is_named(encoding):
    good = ("id,a\n" + "1,京都\n" * 600_000).encode(encoding)
    wrong = b"\x81\n" if encoding == "cp932" else b"\x00\xd8\x0a\x00"
    with pytest.raises(InvalidDataset, match=f"Byte {len(good)} of the file") as raised:
        read(good + wrong, encoding=encoding)
    assert raised.value.reason == "wrong_encoding"


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_character_cut_by_a_chunk_is_whole(shift):
    text = "id,a\n" + "x" * shift + ",1\n" + "京都京,京\n" * 300_000
    assert set(read(text.encode()).rows[1:]) == {("京都京", "京")}


@pytest.mark.parametrize("name", ["rot13", "base64", "idna", "no-such", "utf-7", "unicode_escape"])
def test_what_is_no_encoding_of_files_is_refused(name):
    with pytest.raises(InvalidDataset) as raised:
        read(b"a,b\n1,2\n", encoding=name)
    assert raised.value.reason == "bad_dialect"
