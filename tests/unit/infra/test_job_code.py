import zipfile
from pathlib import Path

from infra.job_code import content_digest


def _zip(path: Path, files: dict[str, bytes], year: int) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content)
    return path


def test_the_same_files_packed_at_another_time_have_one_name(tmp_path: Path) -> None:
    files = {"app.py": b"1", "shared/errors.py": b"2"}
    first = content_digest(_zip(tmp_path / "a.zip", files, 2020))
    assert content_digest(_zip(tmp_path / "b.zip", dict(reversed(files.items())), 2026)) == first


def test_other_bytes_or_another_name_have_another_name(tmp_path: Path) -> None:
    digests = {
        content_digest(_zip(tmp_path / "c.zip", files, 2020))
        for files in ({"app.py": b"1"}, {"app.py": b"2"}, {"api.py": b"1"}, {"app.py": b"1", "x": b""})
    }
    assert len(digests) == 4
