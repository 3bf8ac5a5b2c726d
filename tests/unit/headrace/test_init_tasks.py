import io
import zipfile
from pathlib import Path

import msgspec
import pytest

from headrace.client.definitions import load_definition
from headrace.client.task_keys import TASKS
from shared.entities.gate_clauses import parse_clause
from shared.entities.pipeline import METRICS, PipelineDefinition
from shared.entities.pipeline import TASKS as SERVED
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

ROWS = "at,shop,item,who,stars,note\n" + "".join(
    f"2026-01-{1 + n % 28:02d},s{n % 3},i{n % 7},u{n % 5},{n % 5},words {n}\n" for n in range(60)
)


def pictures(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def test_the_client_knows_the_tasks_of_the_service() -> None:
    assert TASKS == SERVED


@pytest.mark.parametrize(
    ("options", "task"),
    [
        ("--target stars --time at --horizon 7 --series shop --series item", "forecasting"),
        ("--target stars --text note", "text"),
        ("--user who --item item --rating stars --time at", "recommendation"),
        ("--user who --item item", "recommendation"),
    ],
)
def test_the_options_tell_the_task_and_the_service_takes_the_draft(
    run: Run, tmp_path: Path, options: str, task: str
) -> None:
    (tmp_path / "sales.csv").write_text(ROWS)
    result = run(Nobody(), "init", str(tmp_path / "sales.csv"), *options.split())
    assert result.exit_code == 0, result.stderr
    definition = load_definition(tmp_path / "pipeline.yaml")
    assert definition["task"] == task
    msgspec.convert(definition, PipelineDefinition)
    assert definition["split"]["by"] == ("time" if "--time" in options else "hash")


@pytest.mark.parametrize(
    "options",
    [
        "--target shop",
        "--target stars --task regression",
        "--target shop --text note",
        "--target stars --time at --horizon 7 --series shop --series item",
        "--user who --item item",
    ],
)
def test_a_drafted_gate_leaves_a_retrain_room_for_chance(run: Run, tmp_path: Path, options: str) -> None:
    (tmp_path / "sales.csv").write_text(ROWS)
    assert run(Nobody(), "init", str(tmp_path / "sales.csv"), *options.split()).exit_code == 0
    definition = load_definition(tmp_path / "pipeline.yaml")
    (clause,) = (parse_clause(text) for text in definition["gate"])
    assert clause.reference == "champion"
    assert clause.metric in METRICS[definition["task"]]
    assert (clause.bound > 0) == clause.operator.startswith("<")
    assert clause.bound != 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("", "a table needs --target"),
        ("--task forecasting --target stars", "a forecasting pipeline needs --time and --horizon"),
        ("--user who", "a recommendation pipeline needs --item"),
    ],
)
def test_an_option_that_the_task_needs_is_asked_for(
    run: Run, tmp_path: Path, options: str, told: str
) -> None:
    (tmp_path / "sales.csv").write_text(ROWS)
    result = run(Nobody(), "init", str(tmp_path / "sales.csv"), *options.split())
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_zip_and_a_folder_of_pictures_make_an_image_pipeline(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pets.zip").write_bytes(pictures("cats/1.png", "dogs/1.png"))
    with zipfile.ZipFile(tmp_path / "pets.zip") as archive:
        archive.extractall(tmp_path / "animals")
    for name, pipeline in [("pets.zip", "pets"), ("animals", "animals")]:
        (tmp_path / "pipeline.yaml").unlink(missing_ok=True)
        result = run(Nobody(), "init", str(tmp_path / name))
        assert result.exit_code == 0, result.stderr
        definition = load_definition(tmp_path / "pipeline.yaml")
        assert (definition["name"], definition["task"]) == (pipeline, "image")
        msgspec.convert(definition, PipelineDefinition)
        assert not (tmp_path / "schema.json").exists()
        assert "PNG" not in result.stderr


def test_pictures_that_the_prebuilt_image_cannot_read_are_told_before_a_job_fails(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "pets.zip").write_bytes(pictures("cats/1.JPG", "cats/2.png", "dogs/1.webp", "dogs/2.jpg"))
    result = run(Nobody(), "init", str(tmp_path / "pets.zip"))
    assert result.exit_code == 0, result.stderr
    assert "3 of 4 pictures are no PNG (.jpg, .webp)" in " ".join(result.stderr.split())
    assert "model.image" in result.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pictures("xl/workbook.xml"), "save it as CSV"),
        (pictures("cats/1.png"), "one label, 'cats'"),
        (pictures("1.png"), "no picture of the shape label/name"),
        (b"PK\x03\x04rest", "broken zip"),
    ],
)
def test_a_zip_without_labelled_pictures_ends_with_6(
    run: Run, tmp_path: Path, content: bytes, told: str
) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    result = run(Nobody(), "init", str(tmp_path / "x.zip"))
    assert result.exit_code == 6
    assert told in result.stderr


def test_a_table_is_no_image(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(ROWS)
    result = run(Nobody(), "init", str(tmp_path / "sales.csv"), "--task", "image")
    assert result.exit_code == 6
