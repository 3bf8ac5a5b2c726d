"""Adapter: SageMaker's transform jobs, and the models that they ask."""

from typing import Any

from chalicelib.inference.batch_plan import TransformPlan
from chalicelib.inference.ports import TransformState
from chalicelib.inference.sagemaker_words import EXISTS, absent_is_fine, only, refusals

from shared.aws import aws_errors


class SageMakerTransforms:
    """Creates, describes and stops transform jobs; the name says what a job is about, so there is never a second."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, plan: TransformPlan) -> None:
        """Create model and job; those that are there already are a worker's who crashed before it knew.

        Raises
        ------
        QuotaExceeded
            The account's limit of instances for transform jobs is reached.
        Unavailable
            SageMaker does not see the model yet.
        Refused
            SageMaker finds the request invalid.
        """
        with aws_errors(f"create transform job {plan.name}"), refusals(plan.name):
            with only(EXISTS):
                self._client.create_model(**plan.model)
            # The name is the work's own.
            with only(code="ResourceInUse"):
                self._client.create_transform_job(**plan.job)

    def describe(self, name: str) -> TransformState | None:
        """Return the job's state, None where there is none."""
        with aws_errors(f"describe transform job {name}"), absent_is_fine() as found:
            found.append(self._client.describe_transform_job(TransformJobName=name))
        if not found:
            return None
        (answer,) = found
        return TransformState(status=answer["TransformJobStatus"], reason=answer.get("FailureReason", ""))

    def stop(self, name: str) -> None:
        """Ask a job to end; one that has ended meanwhile, or is gone, is no error."""
        ended = only("The request was rejected because")
        with aws_errors(f"stop transform job {name}"), absent_is_fine(), ended:
            self._client.stop_transform_job(TransformJobName=name)

    def forget(self, model_name: str) -> None:
        """Delete the model of a batch, if it is there."""
        with aws_errors(f"delete model {model_name}"), absent_is_fine():
            self._client.delete_model(ModelName=model_name)
