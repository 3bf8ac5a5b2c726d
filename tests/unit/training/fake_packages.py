"""SageMaker's model registry in memory."""

from collections.abc import Mapping
from typing import Any

from chalicelib.training.package_request import PIPELINE, STATE, STATUS, VERSION, Package

from shared.errors import HeadraceError, NotFound, Unavailable


class FakePackages:
    """Stands in for ModelPackages. ``calls`` lists what was written; ``refusal`` makes every call fail."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, str]] = {}
        self.calls: list[tuple[str, str]] = []
        self.refusal: HeadraceError | None = None
        self.loses_answer = False
        self._tokens: dict[str, str] = {}

    def create(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> str:
        self._maybe_refuse()
        group, token = request["ModelPackageGroupName"], request["ClientToken"]
        self.groups.setdefault(group, dict(tags))
        if token not in self._tokens:
            arn = f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/{len(self._tokens) + 1}"
            self._tokens[token] = arn
            self.made[arn] = dict(request)
            self.calls.append(("create", request["ModelApprovalStatus"]))
        if self.loses_answer:
            self.loses_answer = False
            raise Unavailable("the connection broke after the package was made")
        return self._tokens[token]

    def describe(self, arn: str) -> Package:
        self._maybe_refuse()
        if arn not in self.made:
            raise NotFound(f"ModelPackage {arn} does not exist.")
        row = self.made[arn]
        noted = row.get("CustomerMetadataProperties", {})
        return Package(
            arn=arn,
            pipeline=noted.get(PIPELINE, ""),
            version=noted.get(VERSION, ""),
            status=row["ModelApprovalStatus"],
            written=noted.get(STATUS, ""),
            state=noted.get(STATE, ""),
            description=row.get("ApprovalDescription", ""),
            who=row.get("by", ""),
        )

    def update(self, request: Mapping[str, Any]) -> None:
        self._maybe_refuse()
        row = self.made[request["ModelPackageArn"]]
        noted = row["CustomerMetadataProperties"] | request["CustomerMetadataProperties"]
        row |= {**request, "CustomerMetadataProperties": noted, "by": "headrace"}
        self.calls.append(("update", request["ModelApprovalStatus"]))

    def decide(self, arn: str, status: str, *, description: str | None = None, by: str = "") -> None:
        """Do what a person does in Studio or by boto3: the metadata stays as it was."""
        self.made[arn] |= {"ModelApprovalStatus": status, "by": by}
        if description is not None:
            self.made[arn]["ApprovalDescription"] = description

    def _maybe_refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal
