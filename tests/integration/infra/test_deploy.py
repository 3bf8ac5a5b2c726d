import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra import records
from infra.choices import Choices
from infra.deploy import Step, find_deployment, harden_stage, render_stage
from infra.errors import (
    ChaliceFailed,
    DeployedMeanwhile,
    NoSuchToken,
    NotDeployed,
    RenderError,
    StackFailed,
)
from infra.harden import is_hardened
from infra.observability.stack import deploy_observability
from infra.services import SERVICES, folder_of
from infra.stacks import deploy_stack
from infra.tokens import list_tokens, mint_token, revoke_token
from shared.auth import Tokens
from shared.tables import Table
from tests.clouds import dynamodb
from tests.integration.infra.conftest import Deployed, get
from tests.integration.infra.mini import PATHS, write_app


def changed(steps: dict[str, Any]) -> set[str]:
    return {name for name, step in steps.items() if step.changed}


def test_the_steps_come_in_order_and_each_says_what_it_did(deployed: Deployed) -> None:
    names = [step.name for step in deployed.first_steps]
    assert names == [
        *("foundation", "recipes", "package", "render", "services", "harden", "observability", "edge")
    ]
    assert all(step.changed and step.detail for step in deployed.first_steps)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers_at_the_one_origin_and_is_sent_the_origin_secret(
    deployed: Deployed, service: str
) -> None:
    status, _, body = get(deployed, PATHS[service])
    assert status == 200
    answer = json.loads(body)
    assert (answer["service"], answer["secret_sent"]) == (service, 64)


def test_deploying_again_changes_nothing(deployed: Deployed) -> None:
    assert changed(deployed.again()) == set()
    assert is_hardened(deployed.stage, deployed.outputs)


def test_a_deployment_is_found_by_its_stage_alone(deployed: Deployed) -> None:
    assert find_deployment(deployed.stage) == deployed.outputs


def test_only_the_service_that_changed_is_deployed(deployed: Deployed) -> None:
    write_app(deployed.root, "training", answer=2)
    steps = deployed.again()
    assert steps["services"].detail == "deployed training"
    assert json.loads(get(deployed, PATHS["training"])[2])["answer"] == 2
    assert "edge" not in changed(steps)


def test_a_function_that_is_gone_is_deployed_again_though_its_files_did_not_change(
    deployed: Deployed,
) -> None:
    deployed.stage.client("lambda").delete_function(FunctionName="headrace-ingest-local-on_fact")
    assert deployed.again()["services"].detail == "deployed ingest"
    assert changed(deployed.again()) == set()


def test_a_lost_local_record_is_fetched_from_the_stage(deployed: Deployed) -> None:
    path = records.deployed_file(folder_of(deployed.root, "inference"), deployed.stage)
    before = json.loads(path.read_text())
    path.unlink()
    assert changed(deployed.again()) == set()
    assert json.loads(path.read_text()) == before


def test_of_two_deployers_at_once_the_later_is_told(deployed: Deployed) -> None:
    where = (deployed.stage, deployed.outputs["ModelsBucket"], "training")
    seen = records.read(*where)
    assert seen is not None
    records.save(*where, seen.record, instead_of=seen)
    for stale in (seen, None):
        changed_since = msgspec.structs.replace(seen, etag='"0"') if stale else None
        with pytest.raises(DeployedMeanwhile, match="training: somebody else deployed it"):
            records.save(*where, seen.record, instead_of=changed_since)
    assert records.load(*where) == seen.record


def test_plain_chalice_deploy_works_and_the_next_deployment_hardens_what_it_undid(deployed: Deployed) -> None:
    deployed.chalice("ingest", "deploy", "--stage", "local")
    assert not is_hardened(deployed.stage, deployed.outputs)
    assert "harden" in changed(deployed.again())
    assert is_hardened(deployed.stage, deployed.outputs)


def test_config_and_policies_are_filled_alone_and_plain_chalice_is_hardened_alone(deployed: Deployed) -> None:
    steps: list[Step] = []

    def parts() -> set[str]:
        changed_parts = {step.name for step in steps if step.changed}
        steps.clear()
        return changed_parts

    config = folder_of(deployed.root, "ingest") / ".chalice" / "config.json"
    filled = config.read_text()
    config.unlink()
    render_stage(deployed.stage, deployed.outputs, root=deployed.root, on_step=steps.append)
    assert (config.read_text(), parts()) == (filled, {"render"})
    deployed.chalice("ingest", "deploy", "--stage", "local")
    for expected in ({"harden"}, set()):
        harden_stage(deployed.stage, deployed.outputs, on_step=steps.append)
        assert parts() == expected
    assert is_hardened(deployed.stage, deployed.outputs)


def test_nothing_is_hardened_where_a_service_was_never_deployed(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "load", lambda *_: None)
    with pytest.raises(NotDeployed, match="inference, ingest, training: not deployed to stage 'local' yet"):
        harden_stage(deployed.stage, deployed.outputs, on_step=lambda _: None)


def _receive(sqs: Any, queue: str) -> Any:
    """Wait for a message as long as one call may; None when there was none."""
    return next(iter(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", [])), None)


def test_a_fact_that_its_function_cannot_handle_ends_in_the_services_dead_letters(deployed: Deployed) -> None:
    entry = {"Source": "test.local", "DetailType": "inference", "Detail": '{"id": "42"}'}
    deployed.stage.client("events").put_events(Entries=[entry])
    sqs = deployed.stage.client("sqs")
    queue = sqs.get_queue_url(QueueName="headrace-local-inference-dead-letters")["QueueUrl"]
    message = next(filter(None, (_receive(sqs, queue) for _ in range(2))))
    letter = json.loads(message["Body"])
    assert letter["requestPayload"]["detail"] == {"id": "42"}
    assert letter["requestContext"]["approximateInvokeCount"] == 3


@pytest.mark.parametrize("path", ["/v1/pipelines-unknown", "/v1/models/a/b/c", "/v1/none", "/v2/none"])
def test_an_unknown_route_is_a_404_in_our_shape(deployed: Deployed, path: str) -> None:
    status, headers, body = get(deployed, path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")
    problem = json.loads(body)
    assert problem["status"] == 404
    assert problem["request_id"]


def test_the_console_is_served_and_follows_its_files(deployed: Deployed) -> None:
    status, headers, body = get(deployed, "/")
    assert (status, headers["content-type"], body) == (200, "text/html; charset=utf-8", b"<h1>Headrace</h1>")
    script = deployed.root / "console" / "app.js"
    script.write_text("1")
    assert changed(deployed.again()) == {"edge"}
    assert get(deployed, "/app.js")[1]["content-type"] == "text/javascript; charset=utf-8"
    script.unlink()
    assert changed(deployed.again()) == {"edge"}
    assert get(deployed, "/app.js")[0] == 403


def test_rows_that_may_go_expire(deployed: Deployed) -> None:
    dynamodb = deployed.stage.client("dynamodb")
    for name in ("PredictionsTable", "IdempotencyTable"):
        found = dynamodb.describe_time_to_live(TableName=deployed.outputs[name])["TimeToLiveDescription"]
        assert (found["TimeToLiveStatus"], found["AttributeName"]) == ("ENABLED", "expires_at_s")


def test_a_minted_token_is_known_by_its_hash_only(deployed: Deployed) -> None:
    table = deployed.outputs["TokensTable"]
    token = mint_token(deployed.stage, scopes=["read"], pipelines=["flights"]).token
    found = Tokens(Table(dynamodb(deployed.stage.endpoint_url), table, "token_sha256")).find(
        f"Bearer {token}"
    )
    assert found is not None
    assert (found.scopes, found.pipelines) == (("read",), ("flights",))
    assert token not in str(deployed.stage.client("dynamodb").scan(TableName=table))


def test_a_revoked_token_is_seen_but_opens_nothing(deployed: Deployed) -> None:
    minted = mint_token(deployed.stage, scopes=["read"], note="of the test")
    table = Table(dynamodb(deployed.stage.endpoint_url), deployed.outputs["TokensTable"], "token_sha256")
    assert minted.row in list_tokens(deployed.stage)
    revoke_token(deployed.stage, minted.row.token_id)
    assert Tokens(table).find(f"Bearer {minted.token}") is None
    assert [one.revoked for one in list_tokens(deployed.stage) if one.note == "of the test"] == [True]
    with pytest.raises(NoSuchToken, match="tok_ffff"):
        revoke_token(deployed.stage, "tok_ffff")


def test_a_token_with_an_unknown_scope_is_not_minted(deployed: Deployed) -> None:
    with pytest.raises(ValueError, match="admin"):
        mint_token(deployed.stage, scopes=["admin"])


def test_a_template_error_changes_nothing_on_the_stage(deployed: Deployed) -> None:
    template = folder_of(deployed.root, "ingest") / ".chalice" / "templates" / "config.json"
    good = template.read_text()
    template.write_text(good.replace("${DataBucket}", "${DataBukket}"))
    with pytest.raises(RenderError, match="DataBukket"):
        deployed.again()
    template.write_text(good)
    assert changed(deployed.again()) == set()


def test_an_app_that_cannot_be_imported_names_the_service_and_keeps_the_old_one(deployed: Deployed) -> None:
    app = folder_of(deployed.root, "inference") / "app.py"
    good = app.read_text()
    app.write_text("raise ImportError('no module named duck')\n")
    with pytest.raises(ChaliceFailed, match=r"(?s)inference: .*no module named duck"):
        deployed.again()
    assert get(deployed, PATHS["inference"])[0] == 200
    app.write_text(good)
    assert changed(deployed.again()) == set()


def test_a_stack_that_fails_names_the_resource_and_why_and_can_be_tried_again(
    deployed: Deployed, tmp_path: Path
) -> None:
    cloudformation = deployed.stage.client("cloudformation")
    taken = tmp_path / "taken.yaml"
    taken.write_text(
        "Parameters: {Fingerprint: {Type: String}, Name: {Type: String}}\n"
        "Resources: {Second: {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Ref Name}}}\n"
        "Outputs: {Fingerprint: {Value: !Ref Fingerprint}}\n"
    )
    name = {"Name": deployed.outputs["DataBucket"]}
    with pytest.raises(StackFailed, match=r"Second \(AWS::S3::Bucket\): .*already exists"):
        deploy_stack(cloudformation, "headrace-broken", taken, name)
    assert deploy_stack(cloudformation, "headrace-broken", taken, {"Name": "headrace-free-name"}).changed


def test_an_api_is_measured_under_the_name_of_its_stage(deployed: Deployed) -> None:
    gateway = deployed.stage.client("apigateway")
    for service, api in deployed.deployment.api_ids.items():
        assert gateway.get_rest_api(restApiId=api)["name"] == f"headrace-{service}-local"
        assert get(deployed, PATHS[service])[0] == 200
    named = [{"Name": "ApiName", "Value": "headrace-ingest-local"}]
    found = deployed.stage.client("cloudwatch").list_metrics(
        Namespace="AWS/ApiGateway", MetricName="Count", Dimensions=named
    )
    assert found["Metrics"]


def test_alarms_and_dashboard_are_there_and_mail_goes_where_it_went_until_told_otherwise(
    deployed: Deployed,
) -> None:
    stage = deployed.stage
    cloudwatch, sns = stage.client("cloudwatch"), stage.client("sns")
    assert len(cloudwatch.describe_alarms(AlarmNamePrefix="headrace-local-")["MetricAlarms"]) > 20
    assert cloudwatch.get_dashboard(DashboardName="headrace-local")["DashboardBody"].startswith("{")

    def mailed_to() -> list[str]:
        topic = deployed.outputs["AlertsTopicArn"]
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return [one["Endpoint"] for one in found if one["Protocol"] == "email"]

    assert mailed_to() == []
    assert deploy_observability(stage, deployed.outputs, Choices(alert_email="ops@example.org")).changed
    assert mailed_to() == ["ops@example.org"]
    assert not deploy_observability(stage, deployed.outputs).changed
    assert mailed_to() == ["ops@example.org"]
    assert deploy_observability(stage, deployed.outputs, Choices(alert_email="")).changed
    assert mailed_to() == []
