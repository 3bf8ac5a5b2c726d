"""The report on hostile inputs counts what was tried, tells what went wrong, and the committed one tells of nothing wrong."""

import json
from pathlib import Path

import pytest

from docs.hostile_page import hostile_inputs, section_of
from tests.attack_report import FILE, AttackReport
from tests.docs.test_promises import names_in

COMMITTED = json.loads(FILE.read_text(encoding="utf-8"))
SECTIONS = {
    "Files",
    "Requests",
    "What people send, looked for where it must not be",
    "Models and their signatures",
    "Tokens and secrets, by the time of a refusal",
}


def test_in_the_committed_report_nothing_went_wrong() -> None:
    wrong = {
        f"{proof}: {name}"
        for proof, attacks in COMMITTED.items()
        for name, family in attacks["families"].items()
        if family["wrong"]
    }
    assert wrong == set()


def test_the_committed_report_has_every_section_and_enough_of_each() -> None:
    tried = dict.fromkeys(SECTIONS, 0)
    for proof, attacks in COMMITTED.items():
        tried[section_of(proof)] += sum(family["tried"] for family in attacks["families"].values())
    assert min(tried.values()) > 900, tried


def test_every_test_of_the_committed_report_still_exists() -> None:
    proofs = [proof.split("::") for proof in COMMITTED]
    assert [f"{path}::{name}" for path, name in proofs if name not in names_in(path)] == []


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A report of one test with two families: of three attacks one went wrong."""
    report, path = AttackReport(), tmp_path / "hostile.json"
    attacks = report.of("tests/hostile/test_hostile_files.py::test_a_file[a bomb]")
    attacks.note("bombs", "`inflates_too_much`", peak_bytes=5 << 20, took_s=0.5)
    attacks = report.of("tests/hostile/test_hostile_files.py::test_a_file[another]")
    attacks.note("bombs", "`READY`", wrong=True, peak_bytes=7 << 20, took_s=0.25)
    attacks.note("headers", "`bad_header`")
    report.write(path)
    return path


def test_cases_are_counted_together_with_their_outcomes_and_the_worst_of_their_costs(written: Path) -> None:
    page = hostile_inputs(written)
    assert "| bombs | 2 | 1 | 1 `READY`; 1 `inflates_too_much` | 7 MiB | 0.50 s |" in page
    assert "| headers | 1 | 0 | `bad_header` |  |  |" in page
    assert "| [Files](#files) | 2 | 3 | 1 | 7 MiB | 0.50 s |" in page
    assert "### A file\n" in page


def test_a_later_run_takes_the_place_of_the_same_tests_and_of_no_other(written: Path) -> None:
    later = AttackReport()
    later.of("tests/security/test_tampering.py::test_b").note("bits", "refused", times=9)
    later.of("tests/hostile/test_hostile_files.py::test_a_file[a bomb]").note("bombs", "`not_text`")
    later.write(written)
    found = json.loads(written.read_text())
    assert {proof: sorted(attacks["families"]) for proof, attacks in found.items()} == {
        "tests/hostile/test_hostile_files.py::test_a_file": ["bombs"],
        "tests/security/test_tampering.py::test_b": ["bits"],
    }
    assert found["tests/security/test_tampering.py::test_b"]["families"]["bits"]["tried"] == 9


def test_a_test_that_broke_off_is_told_as_such(written: Path) -> None:
    assert "broke off" not in hostile_inputs(written)
    later = AttackReport()
    for name in ("a_file", "another"):
        later.of(f"tests/hostile/test_hostile_files.py::test_{name}").note("bombs", "`not_text`")
    later.fail("tests/hostile/test_hostile_files.py::test_another[a bomb]")
    later.fail("tests/hostile/test_hostile_files.py::test_that_tries_nothing")
    later.write(written)
    whole, broken = hostile_inputs(written).split("### Another")
    assert "broke off" not in whole
    assert "**It broke off before its end.**" in broken


def test_a_request_of_several_harms_is_one_attack(tmp_path: Path) -> None:
    report, path = AttackReport(), tmp_path / "hostile.json"
    attacks = report.of("tests/proof/test_hostile_requests.py::test_many")
    for family in ("all requests", "bodies: depth", "names too long"):
        attacks.note(family, "`422` invalid-request", took_s=0.1)
    report.write(path)
    assert "| [Requests](#requests) | 2 | 1 | 0 |  | 0.10 s |" in hostile_inputs(path)


def test_attacks_of_no_section_are_no_page(tmp_path: Path) -> None:
    report, path = AttackReport(), tmp_path / "hostile.json"
    report.of("tests/unit/test_a.py::test_a").note("bits", "refused")
    report.write(path)
    with pytest.raises(LookupError, match="no section"):
        hostile_inputs(path)
