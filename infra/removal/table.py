"""All kinds of a stage in the order in which they go: the reverse of deploying, and what costs before what keeps."""

from infra.removal import chalice_made, front, logs, sagemaker, storage
from infra.removal.kinds import Found, Kind
from infra.removal.stacks import find_stacks_in, remove_stack_in
from infra.stage import Stage

KINDS = (
    # The door first: nobody calls any more, and a distribution takes longest.
    Kind(name="stack", find=find_stacks_in("home", foundation=False), remove=remove_stack_in("home")),
    Kind(
        name="stack in us-east-1",
        find=find_stacks_in("edge", foundation=False),
        remove=remove_stack_in("edge"),
    ),
    Kind(name="distribution", find=front.find_distributions, remove=front.remove_distribution),
    Kind(name="site access", find=front.find_site_access, remove=front.remove_site_access),
    Kind(name="web ACL", find=front.find_web_acls, remove=front.remove_web_acl),
    Kind(name="alarm", find=front.find_alarms, remove=front.remove_alarm),
    Kind(name="dashboard", find=front.find_dashboards, remove=front.remove_dashboard),
    # Rules before functions, functions before what they would make anew.
    Kind(name="rule", find=chalice_made.find_rules, remove=chalice_made.remove_rule),
    Kind(name="function", find=chalice_made.find_functions, remove=chalice_made.remove_function),
    Kind(name="REST API", find=chalice_made.find_apis, remove=chalice_made.remove_api),
    Kind(name="function role", find=chalice_made.find_roles, remove=chalice_made.remove_role),
    Kind(name="deployment record", find=chalice_made.find_records, remove=chalice_made.remove_record),
    Kind(
        name="endpoint",
        find=sagemaker.found_by("list_endpoints", "Endpoints", "EndpointName"),
        remove=sagemaker.remove_endpoint,
    ),
    Kind(
        name="endpoint configuration",
        find=sagemaker.found_by("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        remove=sagemaker.removed_by("delete_endpoint_config", "EndpointConfigName"),
    ),
    Kind(
        name="hosted model",
        find=sagemaker.found_by("list_models", "Models", "ModelName"),
        remove=sagemaker.removed_by("delete_model", "ModelName"),
    ),
    Kind(
        name="running training job",
        find=sagemaker.find_running_training,
        remove=sagemaker.removed_by("stop_training_job", "TrainingJobName"),
    ),
    Kind(
        name="running processing job",
        find=sagemaker.find_running_processing,
        remove=sagemaker.removed_by("stop_processing_job", "ProcessingJobName"),
    ),
    Kind(
        name="running transform job",
        find=sagemaker.find_running_transforms,
        remove=sagemaker.removed_by("stop_transform_job", "TransformJobName"),
    ),
    # From here on, only when asked for.
    Kind(
        name="training job",
        find=sagemaker.find_training_jobs,
        remove=sagemaker.remove_training_job,
        is_data=True,
    ),
    Kind(
        name="processing job",
        find=sagemaker.find_processing_jobs,
        remove=sagemaker.remove_processing_job,
        is_data=True,
    ),
    Kind(
        name="model package group",
        find=sagemaker.found_by(
            "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"
        ),
        remove=sagemaker.remove_package_group,
        is_data=True,
    ),
    Kind(name="log group", find=logs.find_groups, remove=logs.remove_group, is_data=True),
    Kind(name="log stream", find=logs.find_streams, remove=logs.remove_stream, is_data=True),
    # The key while its alias, by which it is found, is there; then the stack that keeps what holds data.
    Kind(name="signing key", find=storage.find_keys, remove=storage.remove_key, is_data=True),
    Kind(
        name="foundation",
        find=find_stacks_in("home", foundation=True),
        remove=remove_stack_in("home"),
        is_data=True,
    ),
    Kind(name="bucket", find=storage.find_buckets, remove=storage.remove_bucket, is_data=True),
    Kind(name="table", find=storage.find_tables, remove=storage.remove_table, is_data=True),
    Kind(name="queue", find=storage.find_queues, remove=storage.remove_queue, is_data=True),
    Kind(name="topic", find=storage.find_topics, remove=storage.remove_topic, is_data=True),
    Kind(name="secret", find=storage.find_secrets, remove=storage.remove_secret, is_data=True),
    Kind(name="key alias", find=storage.find_aliases, remove=storage.remove_alias, is_data=True),
    Kind(
        name="SageMaker role",
        find=chalice_made.find_foundation_roles,
        remove=chalice_made.remove_role,
        is_data=True,
    ),
)


def inventory(stage: Stage) -> list[Found]:
    """Return everything of the stage that is there, found by name."""
    return [
        Found(kind=kind.name, name=name, is_data=kind.is_data) for kind in KINDS for name in kind.find(stage)
    ]
