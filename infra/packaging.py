"""Lay out what Chalice packs, and hold the package to Lambda's limits.

Chalice packs every file under `chalicelib/` and `vendor/`, so byte code that a test run left there would be
uploaded and would make each package look new. It is given a clean copy instead: real files only, `.chalice`
linked back to the service, and PYTHONDONTWRITEBYTECODE for the process that imports the copy.
"""

import shutil
import zipfile
from pathlib import Path

from infra.errors import PackageTooLarge
from infra.fingerprint import digest_of, files_of

MIB = 1024 * 1024
MAX_ZIP_BYTES = 50 * MIB  # of a direct upload; Lambda quotas, "Deployment package size"
# Lambda takes 250 MiB; ours is stricter, since a cold start waits for every one of them.
MAX_UNZIPPED_BYTES = 150_000_000
PACKED = ("app.py", "requirements.txt", "chalicelib", "vendor")
_MARK = "sources.sha256"


def lay_out(service: Path, target: Path) -> Path:
    """Make *target* a copy of what Chalice packs of *service*, and return it.

    Unchanged sources keep the copy and Chalice's cached zip. Changed ones drop both: Chalice names the zip by
    the bytes of the files but not their names, so it would miss a rename, and it never removes an old one.
    """
    digest = digest_of(*(service / name for name in PACKED))
    chalice = service / ".chalice"
    cache = chalice / "deployments"
    mark = target / _MARK
    if mark.is_file() and mark.read_text() == digest and (target / ".chalice").resolve() == chalice.resolve():
        return target
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)
    target.mkdir(parents=True)
    (target / ".chalice").symlink_to(chalice.resolve())
    for name in PACKED:
        _copy(service / name, target / name)
    mark.write_text(digest)
    return target


def check_size(package: Path, service: str) -> None:
    """Refuse a zip that Lambda would refuse.

    Raises
    ------
    PackageTooLarge
        Names the size, the limit and the largest folders inside.
    """
    with zipfile.ZipFile(package) as archive:
        entries = archive.infolist()
    unzipped = sum(entry.file_size for entry in entries)
    zipped = package.stat().st_size
    if zipped < MAX_ZIP_BYTES and unzipped < MAX_UNZIPPED_BYTES:
        return
    raise PackageTooLarge(
        f"{service}: the Lambda package has {zipped / MIB:.1f} MiB zipped (limit 50) and {unzipped / MIB:.1f} MiB "
        f"unzipped (limit {MAX_UNZIPPED_BYTES / MIB:.0f}); largest inside: {_largest(entries)}. Remove a package from requirements.txt."
    )


def _largest(entries: list[zipfile.ZipInfo]) -> str:
    sizes: dict[str, int] = {}
    for entry in entries:
        top = entry.filename.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + entry.compress_size
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} {size / MIB:.1f} MiB" for name, size in heaviest)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copy2(source, target)
    elif source.is_dir():
        for name, path in files_of(source):
            destination = target / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, destination)
