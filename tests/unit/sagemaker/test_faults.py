"""The door for tests is shut without its switch, and a fault happens as often as it was asked for."""

import json
from pathlib import Path

import msgspec
import pytest

from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.settings import Settings

THROTTLE = {"id": "1", "fault": "throttle", "jobs": "^mine", "times": 2}
CALL = {"TrainingJobName": "mine-1"}


def door(folder: Path, *faults: dict[str, object]) -> Faults:
    path = folder / "faults.json"
    path.write_text(json.dumps(faults))
    return Faults(path)


def test_without_the_switch_there_is_no_door(tmp_path: Path) -> None:
    settings = Settings.from_env(images=tmp_path, home=tmp_path, endpoint_url="http://x", env={})
    assert settings.faults is None
    Faults(settings.faults).refuse("CreateTrainingJob", CALL)


def test_a_fault_happens_as_often_as_asked_for_and_to_the_jobs_it_names(tmp_path: Path) -> None:
    faults = door(tmp_path, THROTTLE)
    faults.refuse("CreateTrainingJob", {"TrainingJobName": "other"})
    faults.refuse("StopTrainingJob", CALL)
    for _ in range(2):
        with pytest.raises(ApiError, match="Rate exceeded"):
            faults.refuse("CreateTrainingJob", CALL)
    faults.refuse("CreateTrainingJob", CALL)


def test_faults_written_while_the_server_runs_happen_too(tmp_path: Path) -> None:
    faults = door(tmp_path)
    assert faults.copies_of_event("mine", "Completed") == 1
    door(
        tmp_path, {"id": "2", "fault": "double-event"}, {"id": "3", "fault": "lose-event", "status": "Failed"}
    )
    assert faults.copies_of_event("mine", "Completed") == 2
    assert faults.copies_of_event("mine", "Failed") == 0


@pytest.mark.parametrize("change", [{"fault": "earthquake"}, {"instances": 3}])
def test_a_fault_nobody_knows_is_an_error_of_the_test(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        door(tmp_path, THROTTLE | change).take("throttle", "mine")
