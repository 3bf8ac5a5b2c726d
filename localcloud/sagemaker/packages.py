"""The model registry: groups of model packages, their numbered versions and the approval of each."""

from collections.abc import Callable
from typing import Any, Final

from localcloud.sagemaker import errors, events, listing
from localcloud.sagemaker.store import MODEL_PACKAGE, MODEL_PACKAGE_GROUP, Row, Scope, Store, Table

# What UpdateModelPackage replaces; all else of a package is as it was created.
_REPLACED: Final = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


class Packages:
    """The operations on model packages and their groups; only versioned packages exist here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> Table:
        """Return the operations on both kinds."""
        return {
            "CreateModelPackageGroup": self.create_group,
            "DescribeModelPackageGroup": self.describe_group,
            "ListModelPackageGroups": self.list_groups,
            "DeleteModelPackageGroup": self.delete_group,
            "CreateModelPackage": self.create,
            "DescribeModelPackage": self.describe,
            "ListModelPackages": self.list_packages,
            "UpdateModelPackage": self.update,
            "DeleteModelPackage": self.delete,
        }

    def create_group(self, scope: Scope, request: Row) -> Row:
        """Make an empty group."""
        row = self._store.create(
            MODEL_PACKAGE_GROUP, scope, request, ModelPackageGroupStatus="Completed", CreatedBy=_caller()
        )
        return {"ModelPackageGroupArn": row["ModelPackageGroupArn"]}

    def describe_group(self, scope: Scope, request: Row) -> Row:
        """Return a group."""
        return self._store.get(MODEL_PACKAGE_GROUP, scope, request["ModelPackageGroupName"])

    def list_groups(self, scope: Scope, request: Row) -> Row:
        """Return a page of groups."""
        rows = self._store.rows(MODEL_PACKAGE_GROUP, scope)
        page, token = listing.list_page(MODEL_PACKAGE_GROUP, rows, request)
        return {"ModelPackageGroupSummaryList": page, "NextToken": token}

    def delete_group(self, scope: Scope, request: Row) -> Row:
        """Remove a group that has no packages (any more)."""
        group = self.describe_group(scope, request)
        if self._of_group(scope, group["ModelPackageGroupName"]):
            raise errors.conflict(
                f"Model package group {group['ModelPackageGroupArn']} still has model packages; delete them first."
            )
        self._store.delete(MODEL_PACKAGE_GROUP, scope, group["ModelPackageGroupName"])
        return {}

    def create(self, scope: Scope, request: Row) -> Row:
        """Add the next version of a group; the same ClientToken again is the same version."""
        _check_new(request)
        group = self._store.get(MODEL_PACKAGE_GROUP, scope, request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        number, is_new = self._take_number(scope, name, request.get("ClientToken"))
        if not is_new:
            return {"ModelPackageArn": scope.arn(MODEL_PACKAGE, f"{name}/{number}")}
        members = {key: value for key, value in request.items() if key != "ClientToken"}
        row = self._store.create(
            MODEL_PACKAGE,
            scope,
            # Waiting for a person is AWS's default.
            {"ModelApprovalStatus": "PendingManualApproval"}
            | members
            | {"ModelPackageName": f"{name}/{number}", "ModelPackageGroupName": name},
            ModelPackageVersion=number,
            ModelPackageStatus="Completed",
            ModelPackageStatusDetails={"ValidationStatuses": [], "ImageScanStatuses": []},
            CertifyForMarketplace=False,
            CreatedBy=_caller(),
        )
        self._tell(scope, row)
        return {"ModelPackageArn": row["ModelPackageArn"]}

    def describe(self, scope: Scope, request: Row) -> Row:
        """Return a package, named by its ARN or as ``group/version``."""
        row = _shown(self._store.get(MODEL_PACKAGE, scope, request["ModelPackageName"]))
        if request.get("IncludedData") == "MetadataOnly" and "ModelCard" in row:
            row["ModelCard"].pop("ModelCardContent", None)
        return row

    def list_packages(self, scope: Scope, request: Row) -> Row:
        """Return a page of packages: of one group, or of all where versioned ones are asked for."""
        group = request.get("ModelPackageGroupName")
        if group:
            group = self._store.get(MODEL_PACKAGE_GROUP, scope, group)["ModelPackageGroupName"]
        # Without a group the default is the unversioned packages (API reference), of which there are none here.
        kind = request.get("ModelPackageType") or ("Versioned" if group else "Unversioned")
        status = request.get("ModelApprovalStatus")
        rows = [
            row
            for row in ([] if kind == "Unversioned" else self._of_group(scope, group))
            if status in (None, row["ModelApprovalStatus"])
        ]
        page, token = listing.list_page(MODEL_PACKAGE, rows, request)
        return {"ModelPackageSummaryList": [_shown(row) for row in page], "NextToken": token}

    def update(self, scope: Scope, request: Row) -> Row:
        """Change what is named and keep every other member."""
        by = _caller()
        row = self._store.change(MODEL_PACKAGE, scope, request["ModelPackageArn"], _edit(request, by))
        self._tell(scope, row)
        return {"ModelPackageArn": row["ModelPackageArn"]}

    def delete(self, scope: Scope, request: Row) -> Row:
        """Remove a package; its number is not given again."""
        self._store.delete(MODEL_PACKAGE, scope, request["ModelPackageName"])
        return {}

    def _of_group(self, scope: Scope, group: str | None) -> list[Row]:
        rows = self._store.rows(MODEL_PACKAGE, scope)
        return [row for row in rows if group in (None, row["ModelPackageGroupName"])]

    def _take_number(self, scope: Scope, group: str, token: str | None) -> tuple[int, bool]:
        """Return the number of the next version, or the one that *token* has got already; and whether it is new."""
        taken: list[tuple[int, bool]] = []

        def edit(row: Row) -> None:
            tokens = row.setdefault("_Tokens", {})
            if token in tokens:
                taken.append((tokens[token], False))
                return
            row["_Last"] = row.get("_Last", 0) + 1
            if token:
                tokens[token] = row["_Last"]
            taken.append((row["_Last"], True))

        self._store.change(MODEL_PACKAGE_GROUP, scope, group, edit)
        return taken[0]

    def _tell(self, scope: Scope, row: Row) -> None:
        events.emit(events.event_record(MODEL_PACKAGE, _shown(row), {}, scope))


def _check_new(request: Row) -> None:
    _check_named_by_group(request)
    if request.get("Tags"):
        raise errors.validation(
            "Tags cannot be given to a versioned model package: it has those of its model package group."
        )


def _check_named_by_group(request: Row) -> None:
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if group and name:
        raise errors.validation(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use."
        )
    if not group and not name:
        raise errors.validation("Missing ARN.")
    if name:
        raise errors.unsupported("model packages are versions of a group; name ModelPackageGroupName")


def _edit(request: Row, by: Row) -> Callable[[Row], None]:
    def edit(row: Row) -> None:
        row |= {name: request[name] for name in _REPLACED if name in request}
        metadata = row.get("CustomerMetadataProperties", {}) | (
            request.get("CustomerMetadataProperties") or {}
        )
        for key in request.get("CustomerMetadataPropertiesToRemove") or []:
            metadata.pop(key, None)
        if metadata or "CustomerMetadataProperties" in row:
            row["CustomerMetadataProperties"] = metadata
        if added := request.get("AdditionalInferenceSpecificationsToAdd"):
            row["AdditionalInferenceSpecifications"] = [
                *row.get("AdditionalInferenceSpecifications", []),
                *added,
            ]
        row["LastModifiedBy"] = by

    return edit


def _shown(row: Row) -> Row:
    # A versioned package has no name of its own in AWS's answers and events, only group, number and ARN.
    return {key: value for key, value in row.items() if key != "ModelPackageName"}


def _caller() -> dict[str, Any]:
    """Return who asks, as AWS names callers that do not come from Studio."""
    from ministack.core import iam_evaluator

    # A context variable: calls run in a copy of their request's context.
    return {"IamIdentity": {"Arn": iam_evaluator.caller_arn()}}
