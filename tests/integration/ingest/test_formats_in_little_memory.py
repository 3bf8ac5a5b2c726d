"""Bombs, damaged files and thousands of pictures are read, or refused, in memory that their size does not change."""

import gzip
import io
import os
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import duckdb
import pytest
import zstandard
from PIL import Image

from shared.errors import InvalidDataset
from tests.integration.ingest.formats.sources import LIMITS, Bytes, read_source

ROOT = Path(__file__).resolve().parents[3]
PACK = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}


def run(program: str, file: Path) -> str:
    """Run *program*, which limits its own memory, on *file* and return what it prints."""
    ended = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), str(file)],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT}/ingest_service", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.timeout(60)
def test_a_bomb_is_stopped_early_in_little_memory(ending):
    packed = PACK[ending](b"a,b\n" + b"1" * (400 << 20))
    source = Bytes(packed, f"data.csv.{ending}")
    assert len(packed) < 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(InvalidDataset) as raised:
            read_source(source, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()
    assert raised.value.reason in {"bad_header", "line_too_long", "inflates_too_much"}


def test_parquet_with_random_damage_ends_in_bounded_memory(tmp_path):
    path = tmp_path / "good.parquet"
    rows = "SELECT range AS a, hash(range)::VARCHAR AS b, range % 7 AS c FROM range(3000)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    # So many are rejected; the damage of the rest hits nothing that is read.
    assert int(run("damaged_parquet.py", path)) > 20


def test_many_pictures_pass_in_constant_memory(tmp_path):
    pixels = os.urandom(170 * 170 * 3)
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for number in range(2500):
            stream = io.BytesIO()
            Image.frombytes("RGB", (170, 170), pixels).save(stream, "BMP")
            archive.writestr(f"label{number % 5}/{number}.bmp", stream.getvalue())
    assert run("many_pictures.py", tmp_path / "photos.zip").split() == ["2500", "0"]  # 290 MB of text
