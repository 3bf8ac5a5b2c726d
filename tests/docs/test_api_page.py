"""The API's page for people: whole, without script, every link of it leading somewhere."""

import json
import re

from tests.clouds import ROOT

PAGE = (ROOT / "console" / "api").read_text(encoding="utf-8")
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))


def test_every_operation_and_schema_is_on_the_page() -> None:
    operations = {o["operationId"] for item in DOCUMENT["paths"].values() for o in item.values()}
    places = re.findall(r'<details id="([^"]+)"', PAGE)
    assert len(places) == len(set(places))
    assert set(places) == operations | DOCUMENT["components"]["schemas"].keys()


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    assert "<script" not in PAGE
    assert "default-src 'none'" in PAGE
    assert re.findall(r'(?:src|href)="(?!/|#|data:,)[^"]*"', PAGE) == []


def test_every_link_within_the_page_has_its_place() -> None:
    wanted = set(re.findall(r'href="#([^"]+)"', PAGE))
    assert wanted <= set(re.findall(r'id="([^"]+)"', PAGE))
