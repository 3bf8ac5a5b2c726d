import builtins
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from chalicelib.ingest.table_schema.kinds import kind_of

from headrace.client.samples.kinds import Kind, infer_kind
from headrace.client.samples.table import SAMPLE_BYTES
from headrace.client.samples.unpacking import read_head
from headrace.client.sampling import kinds_of, read_sample
from headrace.failures import BadData

LINES = '{"n": 1, "late": true, "fare": 1.50}\n\n{"n": 2, "late": null, "x": {"a": [1]}}\n'


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "0"], Kind(type="integer")),
        (["1", "2.5"], Kind(type="number")),
        (["1e3", ".5"], Kind(type="number")),
        (["007", "123"], Kind(type="string")),
        (["1234567890123456789"], Kind(type="string")),
        (["١٢"], Kind(type="string")),
        (["nan2", "1"], Kind(type="string")),
        (["True", "false"], Kind(type="boolean")),
        (["2026-01-31", "2026-02-01"], Kind(type="date")),
        (["2026-01-31", "2026-02-01T10:00:00Z"], Kind(type="datetime")),
        (["2026-02-31"], Kind(type="string")),
        (["31.01.2026", "01.02.2026"], Kind(type="date", format="%d.%m.%Y")),
        (["31/01/2026 10:00"], Kind(type="datetime", format="%d/%m/%Y %H:%M")),
        (["01/31/2026 01:00 PM"], Kind(type="datetime", format="%m/%d/%Y %I:%M %p")),
        (["01/02/2026"], Kind(type="date", format="%d/%m/%Y", or_format="%m/%d/%Y")),
        (["a", "b"], Kind(type="string")),
        ([], Kind(type="string")),
        (["1"] * 99 + ["oops"], Kind(type="integer")),
        (["1"] * 90 + ["oops"] * 10, Kind(type="string")),
    ],
)
def test_a_column_is_what_its_values_look_like(values: list[str], kind: Kind) -> None:
    assert infer_kind(values) == kind


CELLS = (
    "1|-0|01|+1|1.|.5|1e5|1e|0x1|true|TRUE|yes|2026-01-31|2026-1-31|0999-01-01|2026-01-31 10:00|31.01.2026 10:00"
    "|2026-01-31T10:00:00.123Z|2026-01-31T25:00:00|31.1.2026|31/01/2026|01/31/2026|02/03/2026|2026/01/31|32.01.2026"
)


@pytest.mark.parametrize("cell", CELLS.split("|"))
def test_the_client_infers_types_as_the_service_does(cell: str) -> None:
    """A drafted schema must not refuse what ingestion would take by itself, nor take what it would not."""
    (label,) = duckdb.execute(f"SELECT {kind_of('x')} FROM (SELECT ?::VARCHAR AS x)", [cell]).fetchone() or ()
    kind, _, pattern = label.replace("identifier", "string").partition(":")
    drafted = infer_kind([cell])
    assert (drafted.type, drafted.format) == (kind, pattern.partition("|")[0] or None)


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.data"])
@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress])
def test_json_lines_are_read_packed_or_not(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    file = tmp_path / name
    file.write_bytes(pack(LINES.encode()))
    sample = read_sample(file)
    assert sample.header == ("n", "late", "fare", "x")
    assert sample.rows == (("1", "true", "1.50", ""), ("2", "", "", '{"a":["1"]}'))


def test_a_line_that_is_no_object_is_told_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": 1}\n[2]\n')
    with pytest.raises(BadData, match="line 2 is no JSON object"):
        read_sample(file)


def test_a_json_array_is_told_how_to_be_written(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('[{"a": 1},\n{"a": 2}]\n')
    with pytest.raises(BadData, match="write one per line"):
        read_sample(file)


def test_a_packed_csv_is_read_and_a_broken_pack_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b"a,b\n1,2\n3,4\n")
    file = tmp_path / "a.csv.gz"
    file.write_bytes(whole)
    assert read_sample(file).rows == (("1", "2"), ("3", "4"))
    for broken in (whole[:-12], whole[:12] + b"\xff" * 20):
        file.write_bytes(broken)
        with pytest.raises(BadData, match="broken gzip"):
            read_sample(file)


@pytest.mark.parametrize(("encoding", "said"), [("utf-16", None), ("utf-32", None), ("cp1252", "cp1252")])
def test_text_is_read_by_its_mark_or_by_what_is_said_of_it(
    tmp_path: Path, encoding: str, said: str | None
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("name;n\r\nMüller;1\r\n".encode(encoding))
    assert read_sample(file, said).rows == (("Müller", "1"),)


def test_text_that_is_not_utf_8_is_told_how_to_be_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("name;n\r\nMüller;1\r\n".encode("cp1252"))
    with pytest.raises(BadData, match="byte 9 is wrong; say what it is, such as --encoding cp1252"):
        read_sample(file)


def test_packed_parquet_keeps_the_types_it_declares(tmp_path: Path, parquet: Path) -> None:
    file = tmp_path / "a.parquet.gz"
    file.write_bytes(gzip.compress(parquet.read_bytes()))
    assert read_sample(file).types == read_sample(parquet).types != {}


def test_a_gzip_bomb_is_read_no_further_than_a_sample(tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    with gzip.open(file, "wb", compresslevel=1) as sink:
        for _ in range(64):
            sink.write(b"1,2\n" * 262_144)
    assert len(read_head(file).content) == SAMPLE_BYTES
    assert len(read_sample(file).rows) <= 5000


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real = builtins.__import__

    def fake(name: str, *args: Any, **kwargs: Any) -> Any:
        if name in missing:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fake)


def test_zstd_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.csv.zst"
    file.write_bytes(b"\x28\xb5\x2f\xfd....")
    without(monkeypatch, "zstandard")
    with pytest.raises(BadData, match="pip install zstandard"):
        read_sample(file)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    file = tmp_path / "a.parquet"
    duckdb.execute(
        f"COPY (SELECT '12' AS code, 1::BIGINT AS n, 1.5::DOUBLE AS x, true AS late, "
        f"TIMESTAMP '2026-01-31 10:00:00' AS at, DATE '2026-01-31' AS day UNION ALL "
        f"SELECT NULL, 2, NULL, false, NULL, NULL) TO '{file}' (FORMAT parquet)"
    )
    return file


def test_parquet_keeps_the_types_it_declares(parquet: Path) -> None:
    sample = read_sample(parquet)
    assert sample.rows[0] == ("12", "1", "1.5", "true", "2026-01-31T10:00:00", "2026-01-31")
    assert sample.rows[1] == ("", "2", "", "false", "", "")
    kinds = {name: kind.type for name, kind in kinds_of(sample).items()}
    assert kinds == {
        "code": "string",
        "n": "integer",
        "x": "number",
        "late": "boolean",
        "at": "datetime",
        "day": "date",
    }


def test_parquet_without_a_reader_says_what_to_install(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "duckdb", "pyarrow")
    with pytest.raises(BadData, match="pip install duckdb"):
        read_sample(parquet)


def test_broken_parquet_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    file.write_bytes(b"PAR1" + bytes(50))
    with pytest.raises(BadData, match=r"^[^\n]*broken Parquet[^\n]*$"):
        read_sample(file)


def test_the_sample_is_json_that_a_schema_can_hold(parquet: Path) -> None:
    from headrace.client.schema_drafting import draft_schema

    sample = read_sample(parquet)
    json.dumps(draft_schema(sample, kinds_of(sample), {"n"}))
