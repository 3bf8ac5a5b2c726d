"""Grants that a run of the suite does not use, and why they are there: patterns of `<role>/<Sid>[/<action or resource>]`.

Two kinds stand here. What AWS does with the role and the local cloud does by itself is never asked of the local IAM. And
what only a fault leads to is asked when that fault happens: the unit tests make each of them, a run of the suite some.
"""

_STEPS = "whoever finds a release goes on with the step it is at; which handler that is in a run is chance"
_JOBS = "whoever finds a job or a model version goes on with it; which handler that is in a run is chance"
_VERSIONS = "whoever finds a dataset version goes on with it; which handler that is in a run is chance"
_ABSENT = "s3:ListBucket makes S3 answer 404 and not 403 for what is not there; the local S3 does not ask it for that"

UNUSED: dict[str, str] = {
    # ---- What AWS does with the role, and the local cloud by itself
    "headrace-*/OwnLogs*": "Lambda writes a function's log with its role",
    "headrace-*/CreateOwnLogGroup*": "Lambda writes a function's log with its role",
    "headrace-*/WriteOwnLog*": "Lambda writes a function's log with its role",
    "headrace-*/dead-letters-*": "Lambda sends what failed three times with the function's role",
    "headrace-local-*/WriteMetrics*": "SageMaker writes a job's metrics with its role",
    "headrace-local-*/WriteLogs*": "SageMaker writes a job's log with its role, and describes its streams on AWS only",
    "headrace-local-*/Pull*": "SageMaker pulls images with the role; the local images are environments",
    "headrace-local-*/LogInToRegistry*": "SageMaker pulls images with the role; the local images are environments",
    "headrace-*/TellMissingFromForbidden*": _ABSENT,
    "headrace-*/SeeThat*": _ABSENT,
    "headrace-local-*/ListInputs*": "which prefixes SageMaker lists is not documented; locally a manifest names all keys",
    "headrace-training-*/ReadTrainingLogs*": "AWS asks for the log stream, the local CloudWatch for its group",
    # ---- What only a fault or a race leads to
    "headrace-*-reconcile/*": "a reconciler does what lost events left undone: nothing that the others of its service may not",
    "headrace-*/*/s3:AbortMultipartUpload": "a write that breaks off leaves no parts behind",
    "headrace-local-*/ReadInputs/*staging*": "an attempt that follows one that was interrupted reads its checkpoints",
    "headrace-inference-*-prediction_log/ReadReleases": "labels that were told before the log has their predictions",
    "headrace-*/AbortUnfinishedResults": "a write that breaks off leaves no parts behind",
    "headrace-inference-*/CreateEndpoints*": _STEPS,
    "headrace-inference-*/ServeAsRole": _STEPS,
    "headrace-inference-*/ReadAndCheckModels*": _STEPS,
    "headrace-inference-*/ReadSumsOfThePredictionLog": _STEPS,
    "headrace-inference-*/ReadModels*": _STEPS,
    "headrace-inference-*/VerifyManifests": _STEPS,
    "headrace-inference-*/InvokeEndpoints": _STEPS,
    "headrace-training-*/RunTrainingJobs/*": _JOBS,
    "headrace-training-*-on_pipeline_deleted/Stop*": _JOBS,
    "headrace-training-*-on_pipeline_deleted/Announce": _JOBS,
    "headrace-inference-*-on_pipeline_deleted/WriteReleases/*": _STEPS,
    "headrace-training-*/MirrorModelVersions*": _JOBS,
    "headrace-training-*/MakeModelPackageGroups*": _JOBS,
    "headrace-training-*/ReadDatasets/dynamodb:GetItem": _JOBS,
    "headrace-training-*/ReadPipelines/dynamodb:Query": "only a list of jobs over all pipelines asks for their names",
    "headrace-*/AnswerOnce/*": "an answer kept for its idempotency key is read or let go when the request comes again",
    "headrace-ingest-*/ReadUploads/s3:GetObject": "an object without a version, of a bucket whose versioning was off",
    "headrace-ingest-*/HandUploadsOver/*": "a processing job's orders are removed, and read again by who takes over",
    "headrace-ingest-*/RunProcessingJobs/*": "a job is created or looked at by whoever finds its row",
    "headrace-ingest-*-on_*/ReadDefinitions": _VERSIONS,
    "headrace-ingest-*-on_*/ReadUploads": _VERSIONS,
    "headrace-ingest-*-on_*/MoveVersions/*": _VERSIONS,
    "headrace-ingest-*/RecogniseACompletedUpload": "whoever asks twice for a completion is shown the object that is there",
    "headrace-training-*/ReadPushedRecipes": _JOBS,
    "headrace-ingest-*/ProcessAsRole": "a job is created by whoever finds its row",
}
