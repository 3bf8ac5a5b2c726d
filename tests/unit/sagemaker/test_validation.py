"""The validator speaks AWS's sentences, shape by shape."""

from typing import Any

import pytest

from localcloud.sagemaker import model
from localcloud.sagemaker.errors import ApiError

JOB = {
    "TrainingJobName": "job",
    "RoleArn": "arn:aws:iam::000000000000:role/sagemaker",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
}


def message_of(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as error:
        model.check_request(operation, request)
    assert error.value.code in ("ValidationException", "SerializationException")
    return str(error.value.message)


def test_a_good_request_passes():
    model.check_request("CreateTrainingJob", JOB)


def test_a_missing_member_is_null_at_its_camel_case_path():
    request = {key: value for key, value in JOB.items() if key != "RoleArn"}
    assert message_of("CreateTrainingJob", request) == (
        "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
    )


def test_errors_inside_a_list_count_members_from_one():
    request = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "A"}, {"VariantName": "-"}]}
    assert "at 'productionVariants.2.member.variantName'" in message_of("CreateEndpointConfig", request)


def test_an_empty_list_is_too_short():
    request = {"EndpointConfigName": "c", "ProductionVariants": []}
    assert message_of("CreateEndpointConfig", request) == (
        "1 validation error detected: Value '[]' at 'productionVariants' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_a_number_out_of_range_has_a_value_not_a_length():
    request = JOB | {"StoppingCondition": {"MaxRuntimeInSeconds": 0}}
    assert (
        "at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: Member must have value greater"
        in (message_of("CreateTrainingJob", request))
    )


def test_a_bad_map_value_names_the_whole_map_and_all_its_rules():
    request = JOB | {"HyperParameters": {"rate": "x" * 2501}}
    words = message_of("CreateTrainingJob", request)
    assert "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: [" in words
    assert "Member must have length less than or equal to 2500" in words


def test_a_name_of_64_letters_is_one_too_long():
    model.check_request("DescribeTrainingJob", {"TrainingJobName": "a" * 63})
    assert "TrainingJobName" not in message_of("DescribeTrainingJob", {"TrainingJobName": "a" * 64})


def test_a_wrong_json_type_is_a_serialization_error():
    request = JOB | {"EnableNetworkIsolation": "yes"}
    assert "can not be converted to boolean at 'enableNetworkIsolation'" in message_of(
        "CreateTrainingJob", request
    )


def test_a_true_is_no_number():
    request = JOB | {"StoppingCondition": {"MaxRuntimeInSeconds": True}}
    assert "can not be converted to integer" in message_of("CreateTrainingJob", request)


def test_a_pattern_no_python_engine_compiles_is_skipped_not_failed():
    assert model._matches("(?<!x*)[", "anything")


def test_every_pattern_of_our_operations_compiles_or_is_skipped():
    for operation in ("CreateTrainingJob", "CreateModel", "CreateEndpointConfig", "CreateEndpoint"):
        with pytest.raises(ApiError):
            model.check_request(operation, {})


def test_an_answer_holds_only_what_the_operation_has_and_no_nulls():
    row = {"ModelName": "m", "ModelArn": "arn", "_Private": 1, "PrimaryContainer": None, "CreationTime": 1.5}
    assert model.shape_answer("DescribeModel", row) == {
        "ModelName": "m",
        "ModelArn": "arn",
        "CreationTime": 1.5,
    }
