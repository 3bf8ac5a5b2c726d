"""Endpoints: created, in service, deleted; each variant is a process of its own."""

import logging
import threading
from typing import Any

from localcloud.sagemaker import errors, events, hosting, listing
from localcloud.sagemaker.container import Containers
from localcloud.sagemaker.endpoint_process import StartFailed, VariantProcess, VariantSpec
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, ENDPOINT_CONFIG, MODEL, Row, Scope, Store, scope_of

logger = logging.getLogger(__name__)


class Endpoints:
    """The hosting half of the control plane that runs something; it owns the variants' processes."""

    def __init__(self, store: Store, settings: Settings, containers: Containers) -> None:
        self._store, self._settings, self._containers = store, settings, containers
        self._serving: dict[str, dict[str, VariantProcess]] = {}
        self._starting: dict[str, list[VariantProcess]] = {}
        self._changed = threading.Condition()
        self._is_closing = False

    def create(self, scope: Scope, request: Row) -> Row:
        """Accept an endpoint; it becomes InService or Failed in the background."""
        config = self._store.get(ENDPOINT_CONFIG, scope, request["EndpointConfigName"])
        variants = config["ProductionVariants"]
        # Copied now, so that deleting configuration and models changes nothing that runs or restarts.
        models = {
            variant["VariantName"]: self._store.get(MODEL, scope, variant["ModelName"])
            for variant in variants
        }
        row = self._store.create(
            ENDPOINT, scope, request, EndpointStatus="Creating", _Variants=variants, _Models=models
        )
        self._tell(scope, row)
        self._start_in_background(scope, row)
        return {"EndpointArn": row["EndpointArn"]}

    def describe(self, scope: Scope, request: Row) -> Row:
        """Return an endpoint."""
        return self._store.get(ENDPOINT, scope, request["EndpointName"])

    def list_endpoints(self, scope: Scope, request: Row) -> Row:
        """Return a page of endpoints."""
        page, token = listing.list_page(ENDPOINT, self._store.rows(ENDPOINT, scope), request)
        return {"Endpoints": page, "NextToken": token}

    def delete(self, scope: Scope, request: Row) -> Row:
        """Stop an endpoint and forget it; one that is still being created refuses, as on AWS."""
        row = self._store.change(ENDPOINT, scope, request["EndpointName"], _begin_deleting)
        self._tell(scope, row)
        # Out of the table first: no invocation finds a process that is about to end.
        with self._changed:
            processes = self._serving.pop(row["EndpointArn"], {})
        for process in processes.values():
            process.stop()
        self._store.delete(ENDPOINT, scope, request["EndpointName"])
        return {}

    def variants(self, arn: str, timeout_s: float) -> dict[str, VariantProcess]:
        """Return the running variants; after a restart of the server, wait until they are back."""
        with self._changed:
            self._changed.wait_for(lambda: arn in self._serving or arn not in self._starting, timeout_s)
            return self._serving.get(arn, {})

    def restart(self) -> None:
        """Bring back what was in service, and finish what was being created, when the last server ended."""
        for row in self._store.rows(ENDPOINT):
            if row["EndpointStatus"] in ("InService", "Creating"):
                self._start_in_background(scope_of(row["EndpointArn"]), row)

    def announce_restart(self) -> None:
        """Mark the endpoints that will come back, so that invocations wait instead of failing."""
        for row in self._store.rows(ENDPOINT):
            if row["EndpointStatus"] == "InService":
                self._starting[row["EndpointArn"]] = []

    def shut_down(self) -> None:
        """End every process; rows keep their state, and the next server brings the endpoints back."""
        with self._changed:
            self._is_closing = True
            running = [process for variants in self._serving.values() for process in variants.values()]
            running += [process for processes in self._starting.values() for process in processes]
        for process in running:
            process.stop()

    def _start_in_background(self, scope: Scope, row: Row) -> None:
        name = f"endpoint-{row['EndpointName']}"
        threading.Thread(target=self._bring_up, args=(scope, row), name=name, daemon=True).start()

    def _bring_up(self, scope: Scope, row: Row) -> None:
        """Start every variant and publish them together, or none of them."""
        arn = row["EndpointArn"]
        processes = [self._process(scope, row, variant) for variant in row["_Variants"]]
        with self._changed:
            self._starting[arn] = processes
        reason = _start_all(processes)
        with self._changed:
            self._starting.pop(arn, None)
            if reason is None:
                self._serving[arn] = {process.name: process for process in processes}
            self._changed.notify_all()
            if self._is_closing:
                return
        self._settle(scope, row, reason)

    def _settle(self, scope: Scope, row: Row, reason: str | None) -> None:
        """Write the outcome of a start into the row, and tell the bus when the status is new."""
        status = "InService" if reason is None else "Failed"
        members: dict[str, Any] = {"EndpointStatus": status}
        if reason is None:
            members["ProductionVariants"] = [_variant_summary(variant, row) for variant in row["_Variants"]]
        else:
            members["FailureReason"] = reason
        changed = self._store.change(ENDPOINT, scope, row["EndpointName"], lambda now: now.update(members))
        # An endpoint that merely came back with the server never left InService.
        if row["EndpointStatus"] != status:
            self._tell(scope, changed)

    def _process(self, scope: Scope, row: Row, variant: Row) -> VariantProcess:
        spec = VariantSpec(
            endpoint_name=row["EndpointName"],
            scope=scope,
            variant=variant,
            model=row["_Models"][variant["VariantName"]],
        )
        return VariantProcess(spec, self._settings, self._containers)

    def _tell(self, scope: Scope, row: Row) -> None:
        """Emit the event of the endpoint's present state."""
        events.emit(events.event_record(ENDPOINT, row, self._store.tags(row["EndpointArn"]), scope))


def _start_all(processes: list[VariantProcess]) -> str | None:
    """Start the variants one after another; return why one failed, with none left running then."""
    try:
        for process in processes:
            process.start()
    except StartFailed as error:
        reason = str(error)
    except Exception as error:
        logger.exception("endpoint variant")
        reason = f"We encountered an internal error. Please try again. ({error})"
    else:
        return None
    for process in processes:
        process.stop()
    return reason[:1024]


def _variant_summary(variant: Row, row: Row) -> Row:
    weight = variant.get("InitialVariantWeight", 1.0)
    image = hosting.container_of(row["_Models"][variant["VariantName"]])["Image"]
    summary = {
        "VariantName": variant["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": row["CreationTime"]}
        ],
    }
    if serverless := variant.get("ServerlessConfig"):
        return summary | {"CurrentInstanceCount": 0, "CurrentServerlessConfig": serverless}
    count = variant.get("InitialInstanceCount", 1)
    return summary | {"CurrentInstanceCount": count, "DesiredInstanceCount": count}


def _begin_deleting(row: Row) -> None:
    if row["EndpointStatus"] not in ("InService", "Failed"):
        raise errors.validation(f'Cannot update in-progress endpoint "{row["EndpointArn"]}".')
    row["EndpointStatus"] = "Deleting"
