"""The bus's faults: drawn by seed, as often as asked, and none while the door is shut."""

import os
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from localcloud.delivery_faults import DeliveryFaults, Fate, Plan, RunFate
from localcloud.settings import file_named

NAME = "headrace-ingest-local-on_object_created"


def faults(path: Path, **plan: object) -> DeliveryFaults:
    path.write_bytes(msgspec.json.encode(plan))
    return DeliveryFaults(path)


def test_without_a_file_every_event_arrives_once_at_once_and_every_run_is_its_own(tmp_path: Path) -> None:
    for shut in (DeliveryFaults(None), DeliveryFaults(tmp_path / "absent.json")):
        assert [shut.of_delivery(NAME, "aws.s3") for _ in range(50)] == [Fate()] * 50
        assert [shut.of_run(NAME) for _ in range(50)] == [RunFate()] * 50
        assert shut.made == {}


def test_the_same_seed_makes_the_same_faults_and_another_makes_others(tmp_path: Path) -> None:
    def drawn(seed: int) -> list[Fate]:
        made = faults(tmp_path / "plan.json", seed=seed, duplicate=0.3, lose=0.1, delay=0.5)
        return [made.of_delivery(NAME, "aws.s3") for _ in range(200)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_faults_are_as_frequent_as_asked(tmp_path: Path) -> None:
    made = faults(tmp_path / "plan.json", seed=3, duplicate=0.2, lose=0.1, fail_before=0.1, fail_after=0.2)
    copies = Counter(len(made.of_delivery(NAME, "aws.s3").arrivals_s) for _ in range(4000))
    assert copies[0] == pytest.approx(400, rel=0.2)
    assert copies[2] == pytest.approx(720, rel=0.2)
    runs = Counter(made.of_run(NAME) for _ in range(4000))
    assert runs[RunFate(fails_before=True)] == pytest.approx(400, rel=0.2)
    assert runs[RunFate(fails_after=True)] == pytest.approx(800, rel=0.2)
    assert RunFate(fails_before=True, fails_after=True) not in runs
    assert made.made["lost"] == copies[0]


def test_only_the_named_sources_lose_events_and_only_the_named_functions_meet_faults(tmp_path: Path) -> None:
    made = faults(
        tmp_path / "plan.json", seed=4, lose=1.0, lose_from=["headrace."], functions=["headrace-ingest"]
    )
    assert made.of_delivery(NAME, "headrace.local.ingest").arrivals_s == ()
    assert made.of_delivery(NAME, "aws.s3").arrivals_s == (0.0,)
    assert made.of_delivery("headrace-training-local-reconcile", "headrace.local.ingest") == Fate()


def test_the_door_opens_and_shuts_while_the_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    made = DeliveryFaults(path)
    assert made.of_run(NAME) == RunFate()
    path.write_bytes(msgspec.json.encode(Plan(seed=1, fail_before=1.0)))
    assert made.of_run(NAME).fails_before
    path.write_bytes(msgspec.json.encode(Plan(seed=1)))
    os.utime(path, ns=(1, 1))
    assert made.of_run(NAME) == RunFate()
    path.unlink()
    assert made.of_run(NAME) == RunFate()


def test_a_misspelt_fault_is_an_error_and_not_no_fault(tmp_path: Path) -> None:
    with pytest.raises(msgspec.ValidationError, match="loose"):
        faults(tmp_path / "plan.json", seed=1, loose=0.5).of_run(NAME)


def test_a_door_is_a_file_that_the_environment_names(tmp_path: Path) -> None:
    assert file_named("LOCALCLOUD_IAM_LEDGER", {}) is None
    assert file_named("LOCALCLOUD_IAM_LEDGER", {"LOCALCLOUD_IAM_LEDGER": ""}) is None
    assert file_named("LOCALCLOUD_IAM_LEDGER", {"LOCALCLOUD_IAM_LEDGER": str(tmp_path)}) == tmp_path
