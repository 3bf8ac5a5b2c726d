import zipfile
from pathlib import Path

import pytest

from infra import packaging
from infra.errors import PackageTooLarge
from infra.packaging import MIB, check_size, lay_out


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "ingest_service"
    (tmp_path / "shared" / "__pycache__").mkdir(parents=True)
    (tmp_path / "shared" / "errors.py").write_text("pass\n")
    (tmp_path / "shared" / "__pycache__" / "errors.cpython-312.pyc").write_bytes(b"x")
    (folder / "chalicelib" / "ingest").mkdir(parents=True)
    (folder / "vendor").mkdir()
    (folder / "vendor" / "shared").symlink_to("../../shared")
    (folder / ".chalice" / "deployments").mkdir(parents=True)
    (folder / "app.py").write_text("pass\n")
    (folder / "chalicelib" / "ingest" / "workflow.py").write_text("pass\n")
    return folder


def test_what_is_packed_is_a_copy_without_byte_code_and_links(service: Path, tmp_path: Path) -> None:
    build = lay_out(service, tmp_path / "build")
    packed = {path.relative_to(build).as_posix() for path in (build / "vendor").rglob("*") if path.is_file()}
    assert packed == {"vendor/shared/errors.py"}
    assert (build / "app.py").is_file()
    assert not (build / "vendor" / "shared").is_symlink()


def test_chalice_works_on_the_services_own_records(service: Path, tmp_path: Path) -> None:
    build = lay_out(service, tmp_path / "build")
    (build / ".chalice" / "deployed").mkdir()
    assert (service / ".chalice" / "deployed").is_dir()


def test_a_cached_zip_is_kept_until_a_source_changes_or_is_renamed(service: Path, tmp_path: Path) -> None:
    lay_out(service, tmp_path / "build")
    cached = service / ".chalice" / "deployments" / "cached.zip"
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(b"x")
    lay_out(service, tmp_path / "build")
    assert cached.exists()
    (service / "chalicelib" / "ingest" / "workflow.py").rename(service / "chalicelib" / "ingest" / "story.py")
    build = lay_out(service, tmp_path / "build")
    assert not cached.exists()
    assert [path.name for path in (build / "chalicelib" / "ingest").iterdir()] == ["story.py"]


def _zip(path: Path, **sizes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            archive.writestr(f"{name}/data", bytes(size))
    return path


def test_a_package_within_both_limits_passes(tmp_path: Path) -> None:
    check_size(_zip(tmp_path / "a.zip", small=1000), "ingest")


def test_a_package_over_the_zipped_limit_is_refused_with_its_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = _zip(tmp_path / "a.zip", duckdb=5000, small=10)
    monkeypatch.setattr(packaging, "MAX_ZIP_BYTES", package.stat().st_size)
    with pytest.raises(PackageTooLarge, match=r"ingest: .* zipped .* largest inside: duckdb"):
        check_size(package, "ingest")


def test_a_package_that_grows_over_the_unzipped_limit_is_refused(tmp_path: Path) -> None:
    package = _zip(tmp_path / "a.zip", **{f"part{n}": 50 * MIB for n in range(3)})
    assert package.stat().st_size < MIB
    with pytest.raises(PackageTooLarge, match=r"150\.0 MiB unzipped \(limit 143\)"):
        check_size(package, "ingest")
