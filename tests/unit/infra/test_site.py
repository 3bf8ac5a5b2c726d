from pathlib import Path

import pytest

from infra.gateway_responses import gateway_responses
from infra.site import content_type, site_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("openapi.json", "application/json"),
        ("logo.svg", "image/svg+xml"),
        ("problems/not-found", "text/html; charset=utf-8"),
        ("data.unknown-kind", "application/octet-stream"),
    ],
)
def test_every_file_is_served_as_what_it_is(name: str, expected: str) -> None:
    assert content_type(Path(name)) == expected


def test_the_openapi_document_is_part_of_the_site_and_hidden_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / ".gitkeep").write_text("")
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    (tmp_path / "docs" / "reference" / "openapi.json").write_text("{}")
    assert set(site_files(tmp_path)) == {"openapi.json"}


def test_a_checkout_without_a_console_has_an_empty_site(tmp_path: Path) -> None:
    assert site_files(tmp_path) == {}


def test_every_problem_the_gateway_names_has_its_page() -> None:
    slugs = {
        response["responseTemplates"]["application/json"].split('"')[3] for response in gateway_responses()
    }
    assert {slug.removeprefix("/") for slug in slugs} <= site_files(ROOT).keys()
