"""Endpoints: created, in service, updated, deleted."""

import threading
from collections.abc import Callable
from typing import Any

from localcloud.sagemaker import deployment_policies, deployments, endpoint_rows, events, listing
from localcloud.sagemaker.container import Containers
from localcloud.sagemaker.endpoint_process import VariantProcess, VariantSpec
from localcloud.sagemaker.faults import Faults
from localcloud.sagemaker.fleets import Fleet, Fleets
from localcloud.sagemaker.serverless import Serverless
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, ENDPOINT_CONFIG, MODEL, Row, Scope, Store, Table, scope_of


class Endpoints:
    """The hosting half of the control plane that runs something; the processes themselves belong to `fleets`."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        fleets: Fleets,
        faults: Faults,
        *,
        containers: Containers,
        serverless: Serverless,
    ) -> None:
        self._store, self._settings, self._containers = store, settings, containers
        self._serverless = serverless
        self._fleets, self._faults = fleets, faults

    def operations(self) -> Table:
        """Return the operations on endpoints."""
        return {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.list_endpoints,
            "UpdateEndpoint": self.update,
            "UpdateEndpointWeightsAndCapacities": self.update_weights,
            "DeleteEndpoint": self.delete,
        }

    def create(self, scope: Scope, request: Row) -> Row:
        """Accept an endpoint; it becomes InService or Failed in the background."""
        taken = self._from_config(scope, request["EndpointConfigName"])
        instance = taken["_Variants"][0].get("InstanceType", "serverless")
        self._faults.refuse_instance(request["EndpointName"], f"{instance} for endpoint usage", ENDPOINT)
        policy = request.get("DeploymentConfig")
        deployment_policies.check(policy or {}, taken["_Variants"])
        first = {"EndpointStatus": "Creating", "LastDeploymentConfig": policy, **taken}
        row = self._store.create(ENDPOINT, scope, request, **first)
        self._tell(scope, row)
        self._in_background(self._bring_up, scope, row)
        return {"EndpointArn": row["EndpointArn"]}

    def describe(self, scope: Scope, request: Row) -> Row:
        """Return an endpoint."""
        return self._store.get(ENDPOINT, scope, request["EndpointName"])

    def list_endpoints(self, scope: Scope, request: Row) -> Row:
        """Return a page of endpoints."""
        page, token = listing.list_page(ENDPOINT, self._store.rows(ENDPOINT, scope), request)
        return {"Endpoints": page, "NextToken": token}

    def update(self, scope: Scope, request: Row) -> Row:
        """Bring up another configuration beside the present one, which serves until the other does."""
        before = self._store.get(ENDPOINT, scope, request["EndpointName"])
        wanted = endpoint_rows.retained(
            before, self._from_config(scope, request["EndpointConfigName"]), request
        )
        policy = deployment_policies.chosen(request, before)
        deployment_policies.check(policy, wanted["_Variants"])
        deployment_policies.check_names(policy, before["_Variants"], wanted["_Variants"])
        row = self._begin(scope, request["EndpointName"], "Updating")
        deployment = deployments.Deployment(
            row | wanted,
            policy,
            fleets=self._fleets,
            green=self._fleet(scope, row | wanted),
            edit=lambda change: self._edit(scope, row["EndpointName"], change),
            settings=self._settings,
        )
        self._in_background(lambda *_: deployment.run(), scope, row)
        return {"EndpointArn": row["EndpointArn"]}

    def update_weights(self, scope: Scope, request: Row) -> Row:
        """Give variants other weights or instance counts; the processes stay."""
        row = self._begin(
            scope,
            request["EndpointName"],
            "Updating",
            lambda row: endpoint_rows.change_variants(row, request["DesiredWeightsAndCapacities"]),
        )
        for fleet in self._fleets.serving(row["EndpointArn"]):
            fleet.row = row
        self._in_background(self._settle, scope, row, None)
        return {"EndpointArn": row["EndpointArn"]}

    def delete(self, scope: Scope, request: Row) -> Row:
        """Stop an endpoint and forget it; one that is still being created refuses, as on AWS."""
        row = self._begin(scope, request["EndpointName"], "Deleting")
        self._fleets.remove(row["EndpointArn"])
        self._store.delete(ENDPOINT, scope, request["EndpointName"])
        return {}

    def restart(self) -> None:
        """Bring back what was in service, and finish what was being created, when the last server ended."""
        for row in self._store.rows(ENDPOINT):
            is_back = row["EndpointStatus"] in endpoint_rows.SERVING
            if is_back or row["EndpointStatus"] == "Creating":
                self._in_background(self._bring_up, scope_of(row["EndpointArn"]), row, is_back)

    def announce_restart(self) -> None:
        """Mark the endpoints that will come back, so that invocations wait instead of failing."""
        rows = self._store.rows(ENDPOINT)
        self._fleets.expect(
            row["EndpointArn"] for row in rows if row["EndpointStatus"] in endpoint_rows.SERVING
        )

    def _from_config(self, scope: Scope, name: str) -> Row:
        config = self._store.get(ENDPOINT_CONFIG, scope, name)
        variants = [*config["ProductionVariants"], *(config.get("ShadowProductionVariants") or [])]
        models = {
            variant["VariantName"]: self._store.get(MODEL, scope, variant["ModelName"])
            for variant in variants
        }
        return endpoint_rows.from_config(config, models)

    def _in_background(self, work: Callable[..., None], scope: Scope, row: Row, *more: Any) -> None:
        name = f"endpoint-{row['EndpointName']}"
        threading.Thread(target=work, args=(scope, row, *more), name=name, daemon=True).start()

    def _bring_up(self, scope: Scope, row: Row, is_back: bool = False) -> None:
        """Start every variant and publish them together, or none of them; what is back may sleep until it is asked."""
        arn, fleet = row["EndpointArn"], self._fleet(scope, row, is_back=is_back)
        reason = self._faults.endpoint_failure(row["EndpointName"]) or self._fleets.start(arn, fleet)
        if reason is None:
            self._fleets.route(arn, (fleet, 1.0))
        if not self._fleets.is_closing:
            self._settle(scope, row, reason)

    def _settle(self, scope: Scope, row: Row, reason: str | None) -> None:
        """Write the outcome of a change into the row."""
        told = {"FailureReason": reason} if reason else endpoint_rows.shown(row)
        members = {"EndpointStatus": "Failed" if reason else "InService", **told}

        def _change(now: Row) -> None:
            # Of an update that ended with the server.
            now.pop("PendingDeploymentSummary", None)
            now.update(members)

        self._edit(scope, row["EndpointName"], _change)

    def _begin(
        self, scope: Scope, name: str, status: str, change: Callable[[Row], None] = lambda _: None
    ) -> Row:
        """Enter the state of a change; a refusal of either step leaves the row as it was."""

        def _change(row: Row) -> None:
            endpoint_rows.begin(row, status)
            change(row)

        return self._edit(scope, name, _change)

    def _edit(self, scope: Scope, name: str, change: Callable[[Row], None]) -> Row:
        """Change an endpoint's row; every new status is an event, and so is every stage of a deployment."""
        before: list[tuple[Any, Any]] = []

        def _noted(row: Row) -> None:
            before.append((row["EndpointStatus"], row.get("PendingDeploymentSummary")))
            change(row)

        row = self._store.change(ENDPOINT, scope, name, _noted)
        status, stage = before[0]
        # An endpoint that merely came back with the server never left InService.
        if row["EndpointStatus"] != status:
            self._tell(scope, row)
        if row.get("PendingDeploymentSummary") not in (None, stage):
            self._tell(scope, row, is_deployment=True)
        return row

    def _fleet(self, scope: Scope, row: Row, *, is_back: bool = False) -> Fleet:
        def _process(variant: Row) -> VariantProcess:
            serverless = self._serverless if variant.get("ServerlessConfig") else None
            spec = VariantSpec(
                endpoint_name=row["EndpointName"],
                scope=scope,
                variant=variant,
                model=row["_Models"][variant["VariantName"]],
                starts_asleep=is_back and serverless is not None,
            )
            return VariantProcess(spec, self._settings, self._containers, serverless)

        return Fleet(row, _process)

    def _tell(self, scope: Scope, row: Row, *, is_deployment: bool = False) -> None:
        """Emit the event of the endpoint's present state."""
        tags = self._store.tags(row["EndpointArn"])
        record = events.event_record(ENDPOINT, row, tags, scope)
        if is_deployment:
            record["DetailType"] = "SageMaker Endpoint Deployment State Change"
        for _ in range(self._faults.copies_of_event(row["EndpointName"], row["EndpointStatus"], ENDPOINT)):
            events.emit(record)
