"""Every resource of the local SageMaker: rows by kind, account, region and name, kept in one file.

A row is the dictionary the API itself answers with (botocore's model is its type), plus members of
ours that start with an underscore and never leave the process. Times are epoch seconds.
"""

import copy
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from localcloud.sagemaker import errors

Row = dict[str, Any]
Operation = Callable[["Scope", Row], Row]
# Operations by their names in the API: every resource brings its own.
Table = dict[str, Operation]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Whose resources: SageMaker keeps one set per account and region."""

    account: str
    region: str

    def arn(self, kind: "Kind", name: str) -> str:
        """Return the ARN of a resource; AWS lower-cases the name in it."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind.arn_word}/{name.lower()}"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource and the words AWS uses for it."""

    name: str
    arn_word: str
    noun: str
    status_member: str | None = None

    @property
    def name_member(self) -> str:
        """The request member with the resource's name, such as `EndpointName`."""
        return f"{self.name}Name"

    @property
    def arn_member(self) -> str:
        """The answer member with the resource's ARN, such as `EndpointArn`."""
        return f"{self.name}Arn"


TRAINING_JOB: Final = Kind(
    name="TrainingJob", arn_word="training-job", noun="training job", status_member="TrainingJobStatus"
)
PROCESSING_JOB: Final = Kind(
    name="ProcessingJob",
    arn_word="processing-job",
    noun="processing job",
    status_member="ProcessingJobStatus",
)
TRANSFORM_JOB: Final = Kind(
    name="TransformJob", arn_word="transform-job", noun="transform job", status_member="TransformJobStatus"
)
MODEL: Final = Kind(name="Model", arn_word="model", noun="model")
ENDPOINT_CONFIG: Final = Kind(
    name="EndpointConfig", arn_word="endpoint-config", noun="endpoint configuration"
)
ENDPOINT: Final = Kind(name="Endpoint", arn_word="endpoint", noun="endpoint", status_member="EndpointStatus")
MODEL_PACKAGE_GROUP: Final = Kind(
    name="ModelPackageGroup", arn_word="model-package-group", noun="ModelPackageGroup"
)
# Versioned packages are called `group/number`.
MODEL_PACKAGE: Final = Kind(name="ModelPackage", arn_word="model-package", noun="ModelPackage")
KINDS: Final = (
    TRAINING_JOB,
    PROCESSING_JOB,
    TRANSFORM_JOB,
    MODEL,
    ENDPOINT_CONFIG,
    ENDPOINT,
    MODEL_PACKAGE_GROUP,
    MODEL_PACKAGE,
)


class Store:
    """The rows, guarded by one lock; readers get copies, so no row changes under them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._rows: dict[tuple[str, str, str, str], Row] = {}
        self._tags: dict[str, dict[str, str]] = {}

    def create(self, kind: Kind, scope: Scope, request: Row, **members: Any) -> Row:
        """Add a row made of a create request, or raise AWS's error when the name is taken."""
        name = request[kind.name_member]
        arn, now = scope.arn(kind, name), time.time()
        tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}
        row = {key: value for key, value in request.items() if key != "Tags"}
        row |= {kind.arn_member: arn, "CreationTime": now, "LastModifiedTime": now, **members}
        with self._lock:
            if self._key(kind, scope, name) in self._rows:
                raise _taken(kind, arn)
            self._rows[self._key(kind, scope, name)] = row
            self._tags[arn] = tags
        return copy.deepcopy(row)

    def get(self, kind: Kind, scope: Scope, name: str) -> Row:
        """Return a copy of a row, or raise AWS's not-found error for its kind."""
        with self._lock:
            row = self._rows.get(self._key(kind, scope, name))
            if row is None:
                raise _missing(kind, scope, name)
            return copy.deepcopy(row)

    def change(self, kind: Kind, scope: Scope, name: str, edit: Callable[[Row], None]) -> Row:
        """Apply `edit` to a row under the lock, stamp it, and return a copy.

        `edit` may refuse by raising at any point: the row is then what it was.
        """
        with self._lock:
            row = self.get(kind, scope, name)
            edit(row)
            row["LastModifiedTime"] = time.time()
            self._rows[self._key(kind, scope, name)] = row
            return copy.deepcopy(row)

    def delete(self, kind: Kind, scope: Scope, name: str) -> Row:
        """Remove a row and its tags and return it."""
        with self._lock:
            row = self.get(kind, scope, name)
            del self._rows[self._key(kind, scope, name)]
            self._tags.pop(row[kind.arn_member], None)
            return row

    def rows(self, kind: Kind, scope: Scope | None = None) -> list[Row]:
        """Return copies of all rows of a kind, of one scope or of every scope."""
        with self._lock:
            wanted = (kind.name, scope.account, scope.region) if scope else (kind.name,)
            return [copy.deepcopy(row) for key, row in self._rows.items() if key[: len(wanted)] == wanted]

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource, or raise when there is no such resource."""
        with self._lock:
            if arn not in self._tags:
                raise errors.validation(f'Could not find resource "{arn}".')
            return dict(self._tags[arn])

    def tagged(self, scope: Scope) -> dict[str, dict[str, str]]:
        """Return the tags of every resource of a scope, by ARN."""
        own = ["sagemaker", scope.region, scope.account]
        with self._lock:
            return {arn: dict(tags) for arn, tags in self._tags.items() if arn.split(":")[2:5] == own}

    def set_tags(self, arn: str, tags: dict[str, str]) -> None:
        """Replace the tags of a resource."""
        with self._lock:
            self.tags(arn)
            self._tags[arn] = dict(tags)

    def save(self) -> None:
        """Write everything to the state file, whole or not at all."""
        with self._lock:
            rows = [[*key, row] for key, row in self._rows.items()]
            text = json.dumps({"rows": rows, "tags": self._tags})
        # Renaming is atomic: a server killed while it saves keeps the state of the time before.
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(text, encoding="utf-8")
        draft.replace(self._path)

    def load(self) -> None:
        """Read the state file of the last run, when there is one."""
        if not self._path.exists():
            return
        state = json.loads(self._path.read_text(encoding="utf-8"))
        with self._lock:
            self._rows = {
                (kind, account, region, name): row for kind, account, region, name, row in state["rows"]
            }
            self._tags = state["tags"]

    @staticmethod
    def _key(kind: Kind, scope: Scope, name: str) -> tuple[str, str, str, str]:
        return kind.name, scope.account, scope.region, plain_name(kind, name).lower()


def plain_name(kind: Kind, name: str) -> str:
    """Return the name in an ARN of the kind, or the name itself: the API takes an ARN wherever it takes a name."""
    return name.rpartition(f":{kind.arn_word}/")[2]


def scope_of(arn: str) -> Scope:
    """Return the account and region named in an ARN."""
    _, _, _, region, account, _ = arn.split(":", 5)
    return Scope(account=account, region=region)


def _missing(kind: Kind, scope: Scope, name: str) -> errors.ApiError:
    # Each kind of job has a sentence of its own (ACK's SageMaker controller tells them apart by these).
    if kind is TRAINING_JOB:
        return errors.validation("Requested resource not found.")
    if kind in (PROCESSING_JOB, TRANSFORM_JOB):
        return errors.job_not_found(name)
    arn = scope.arn(kind, plain_name(kind, name))
    if kind in (MODEL_PACKAGE_GROUP, MODEL_PACKAGE):
        return errors.validation(f"{kind.noun} {arn} does not exist.")
    return errors.not_found(kind.noun, arn)


def _taken(kind: Kind, arn: str) -> errors.ApiError:
    rule = "must be unique within an AWS account and region"
    if kind is TRAINING_JOB:
        return errors.name_in_use(f"Training job names {rule}")
    if kind in (PROCESSING_JOB, TRANSFORM_JOB):
        return errors.name_in_use(f"Job name {rule}, and a job with this name already exists ({arn})")
    if kind is MODEL_PACKAGE_GROUP:
        return errors.validation(f"Model Package Group already exists: {arn}")
    return errors.already_exists(kind.noun, arn)
