import json
import os
from pathlib import Path
from typing import Any

import pytest

from headrace.client.multipart import Begun
from headrace.client.resuming import Bookmarks
from headrace.client.sources import source_of
from headrace.client.transport import HttpAnswer, HttpRequest
from headrace.failures import Unreachable
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_storage import FakeStorage, s3_error

CONTENT = b"".join(f"{n},{n * 7 % 13}\n".encode() for n in range(150_000))
PARTS = list(range(1, 1 + -(-len(CONTENT) // 300_000)))


@pytest.fixture
def year(tmp_path: Path) -> Path:
    """A file of several of the fake storage's parts."""
    file = tmp_path / "year.csv"
    file.write_bytes(CONTENT)
    return file


class Broken(FakeStorage):
    """A line that breaks for good once some parts have arrived."""

    def __init__(self, after: int, error: BaseException) -> None:
        super().__init__()
        self.after, self.error = after, error

    def send(self, request: HttpRequest) -> HttpAnswer:
        if "/bucket/" in request.url and sum(map(len, self.uploads.values())) >= self.after:
            raise self.error
        return super().send(request)


def test_a_large_file_arrives_whole_in_parts_and_names_its_version(run: Run, year: Path) -> None:
    storage = FakeStorage()
    result = run(storage, "upload", "flights", str(year), "-o", "json")
    assert result.exit_code == 0, result.stderr
    assert storage.completed == [CONTENT]
    assert sorted(storage.put) == PARTS
    assert json.loads(result.stdout)["version"] == "0123456789abcdef0123"


def test_no_token_goes_to_the_storage_with_a_part(run: Run, year: Path) -> None:
    storage = FakeStorage()
    run(storage, "upload", "flights", str(year))
    assert set(storage.tokens) == {None}


@pytest.mark.parametrize(
    "answer",
    [
        s3_error(400, "BadDigest"),
        s3_error(403, "AccessDenied"),
        s3_error(503, "SlowDown"),
        s3_error(500, "InternalError"),
    ],
)
def test_a_part_that_was_not_taken_is_signed_and_sent_again(run: Run, year: Path, answer: HttpAnswer) -> None:
    storage = FakeStorage(fault=lambda number, turn: answer if number == 2 and turn < 3 else None)
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 0, result.stderr
    assert storage.completed == [CONTENT]
    assert storage.permitted.count("u1/2") == 3
    assert "part 2: " in result.stderr
    assert "once more in 1 s" in result.stderr


def test_a_broken_line_is_waited_for(run: Run, year: Path) -> None:
    def fault(number: int, turn: int) -> None:
        if number == 3 and turn == 1:
            raise Unreachable("Connection reset by peer")

    storage = FakeStorage(fault=fault)
    assert run(storage, "upload", "flights", str(year)).exit_code == 0
    assert storage.completed == [CONTENT]


def test_what_no_other_try_mends_ends_at_once(run: Run, year: Path) -> None:
    storage = FakeStorage(fault=lambda *_: s3_error(400, "EntityTooLarge"))
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 6
    assert "EntityTooLarge" in result.stderr
    assert len(storage.put) == len(set(storage.put))


def test_an_upload_whose_line_stayed_broken_goes_on_where_it_stopped(run: Run, year: Path) -> None:
    broken = Broken(2, Unreachable("Network is unreachable"))
    result = run(broken, "upload", "flights", str(year))
    assert result.exit_code == 5
    assert f"go on with: headrace upload flights {year}" in result.stderr
    storage = FakeStorage()
    storage.uploads, storage.begun = broken.uploads, broken.begun
    arrived = set(broken.uploads["u1"])
    assert len(arrived) >= 2
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 0, result.stderr
    assert set(storage.put) == set(PARTS) - arrived
    assert storage.completed == [CONTENT]
    assert "resumed" in result.stderr


def test_ctrl_c_says_how_to_go_on(run: Run, year: Path) -> None:
    result = run(Broken(1, KeyboardInterrupt()), "upload", "flights", str(year))
    assert result.exit_code == 1
    assert "interrupted" in result.stderr
    assert f"go on with: headrace upload flights {year}" in result.stderr


def test_a_part_that_arrived_with_other_bytes_is_sent_again(run: Run, year: Path) -> None:
    broken = Broken(2, KeyboardInterrupt())
    run(broken, "upload", "flights", str(year))
    wrong = next(iter(broken.uploads["u1"]))
    broken.uploads["u1"][wrong] = bytes(len(broken.uploads["u1"][wrong]))
    storage = FakeStorage()
    storage.uploads = broken.uploads
    assert run(storage, "upload", "flights", str(year)).exit_code == 0
    assert wrong in storage.put
    assert storage.completed == [CONTENT]


def test_a_file_that_changed_begins_anew_and_gives_up_the_old_parts(run: Run, year: Path) -> None:
    broken = Broken(2, KeyboardInterrupt())
    run(broken, "upload", "flights", str(year))
    changed = CONTENT.replace(b"1,7\n", b"1,8\n")
    year.write_bytes(changed)
    os.utime(year, ns=(1, 1))
    storage = FakeStorage()
    storage.uploads, storage.begun = broken.uploads, broken.begun
    result = run(storage, "upload", "flights", str(year))
    assert "changed since its upload was begun" in result.stderr
    assert storage.aborted == ["u1"]
    assert storage.completed == [changed]
    assert sorted(storage.put) == PARTS


def test_an_upload_that_the_service_forgot_begins_anew(run: Run, year: Path) -> None:
    run(Broken(2, KeyboardInterrupt()), "upload", "flights", str(year))
    storage = FakeStorage()
    storage.begun = 5
    result = run(storage, "upload", "flights", str(year))
    assert "begins anew" in result.stderr
    assert storage.completed == [CONTENT]


def test_a_finished_upload_is_not_resumed(run: Run, year: Path) -> None:
    storage = FakeStorage()
    run(storage, "upload", "flights", str(year))
    result = run(storage, "upload", "flights", str(year))
    assert storage.begun == 2
    assert "anew" not in result.stderr


def test_another_file_neither_resumes_nor_ends_it(run: Run, year: Path) -> None:
    broken = Broken(2, KeyboardInterrupt())
    run(broken, "upload", "flights", str(year))
    other = year.with_name("other.csv")
    other.write_bytes(CONTENT)
    storage = FakeStorage()
    storage.uploads, storage.begun = broken.uploads, broken.begun
    run(storage, "upload", "flights", str(other))
    assert storage.begun == 2
    assert storage.aborted == []


def test_what_is_kept_is_kept_per_stage_and_pipeline(year: Path, tmp_path: Path) -> None:
    source = source_of(year)
    begun = Begun(upload_id="u1", part_size_bytes=1, part_count=1)
    kept = Bookmarks(tmp_path / "state", "https://a", "flights")
    kept.keep(source, begun)
    assert kept.find(source) is not None
    for stage, pipeline in [("https://b", "flights"), ("https://a", "rides")]:
        assert Bookmarks(tmp_path / "state", stage, pipeline).find(source) is None


def test_a_part_that_s3_lost_after_it_was_listed_is_sent_before_the_second_try(run: Run, year: Path) -> None:
    class Forgetful(FakeStorage):
        lost = False

        def _complete(self, upload_id: str, asked: dict[str, Any]) -> HttpAnswer:
            if not self.lost:
                self.lost = True
                del self.uploads[upload_id][4]
            return super()._complete(upload_id, asked)

    storage = Forgetful()
    assert run(storage, "upload", "flights", str(year)).exit_code == 0
    assert storage.put.count(4) == 2
    assert storage.completed == [CONTENT]


def test_a_file_that_changes_during_its_upload_is_not_completed(run: Run, year: Path) -> None:
    def fault(number: int, turn: int) -> None:
        os.utime(year, ns=(1, 1))

    storage = FakeStorage(fault=fault)
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 6
    assert "changed during its upload" in result.stderr
    assert (storage.completed, storage.aborted) == ([], ["u1"])


def test_a_file_that_becomes_shorter_is_told_and_given_up(run: Run, year: Path) -> None:
    def fault(number: int, turn: int) -> None:
        year.write_bytes(b"short")

    storage = FakeStorage(fault=fault)
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 6
    assert storage.completed == []


def test_a_pipe_gets_few_lines_and_no_bar(run: Run, year: Path) -> None:
    result = run(FakeStorage(part_size_bytes=20_000), "upload", "flights", str(year))
    lines = [line for line in result.stderr.splitlines() if line.startswith("... upload")]
    assert 1 <= len(lines) <= 9


def test_what_is_kept_of_an_upload_opens_nothing(run: Run, year: Path, tmp_path: Path) -> None:
    run(Broken(1, KeyboardInterrupt()), "upload", "flights", str(year), "--watch")
    (kept,) = (tmp_path / ".headrace" / "uploads").iterdir()
    assert "hr_test" not in kept.read_text()
    assert kept.stat().st_size < 1000


def test_a_bookmark_that_cannot_be_kept_or_read_stops_nothing(run: Run, year: Path, tmp_path: Path) -> None:
    (tmp_path / ".headrace").write_text("in the way")
    storage = FakeStorage()
    result = run(storage, "upload", "flights", str(year))
    assert result.exit_code == 0
    assert "cannot be resumed" in result.stderr
