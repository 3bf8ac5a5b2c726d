"""Reasons are shown to people: they name what went wrong and give nothing away."""

import pytest
from chalicelib.training.job import job_id_of, sagemaker_name
from chalicelib.training.reasons import is_retryable, sanitise


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AlgorithmError: no file /opt/ml/input/data/x.parquet", "AlgorithmError: no file <path>"),
        ("cannot read s3://bucket/key?X-Amz-Signature=abc now", "cannot read <address> now"),
        ("role arn:aws:iam::123456789012:role/x lacks it", "role <arn> lacks it"),
        ("key AKIAABCDEFGHIJKLMNOP leaked", "key <secret> leaked"),
        ("DB_PASSWORD=hunter2 is wrong", "DB_PASSWORD=<secret> is wrong"),
        ("two\n lines\tand   blanks", "two lines and blanks"),
        ("ratio 3/4 and a/b stay", "ratio 3/4 and a/b stay"),
    ],
)
def test_a_reason_keeps_its_sense_and_loses_its_secrets(text: str, shown: str) -> None:
    assert sanitise(text) == shown


def test_a_reason_is_at_most_300_characters() -> None:
    assert len(sanitise("x" * 1000)) == 300


@pytest.mark.parametrize(
    ("reason", "secondary", "again"),
    [
        ("InternalServerError: x", "Failed", True),
        ("CapacityError: x", "Failed", True),
        ("", "Interrupted", True),
        ("AlgorithmError: InternalServerError", "Failed", False),
        ("ClientError: x", "Failed", False),
        ("", "Failed", False),
    ],
)
def test_only_sagemakers_own_faults_are_tried_again(reason: str, secondary: str, again: bool) -> None:
    assert is_retryable(reason, secondary) is again


def test_a_jobs_name_leads_back_to_its_id_in_its_own_stage_only() -> None:
    job_id = "0123456789abcdef0123"
    name = sagemaker_name("dev", job_id, 12)
    assert job_id_of("dev", name) == job_id
    assert job_id_of("prod", name) is None
    assert job_id_of("dev", name + "x") is None
