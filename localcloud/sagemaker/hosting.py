"""Models and endpoint configurations: what is checked when they are made, and nothing runs yet."""

from collections.abc import Callable
from typing import Any, Final

from localcloud.sagemaker import endpoint_configs, errors, listing
from localcloud.sagemaker.credentials import check_role
from localcloud.sagemaker.store import ENDPOINT_CONFIG, MODEL, Kind, Row, Scope, Store, Table

# What a ModelDataSource may be: an archive, or the files themselves.
_MODEL_DATA: Final = (("S3Object", "Gzip"), ("S3Prefix", "None"))


class Hosting:
    """Create, describe, list and delete models and endpoint configurations.

    Deleting one that is in use is allowed, as on AWS: a model is an entry, and an endpoint that runs
    has what it needs.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> Table:
        """Return the operations on both kinds."""
        table: Table = {
            "CreateModel": self.create_model,
            "CreateEndpointConfig": self.create_endpoint_config,
        }
        for kind in (MODEL, ENDPOINT_CONFIG):
            table |= {
                f"Describe{kind.name}": self.describe(kind),
                f"List{kind.name}s": self.list_rows(kind),
                f"Delete{kind.name}": self.delete(kind),
            }
        return table

    def create_model(self, scope: Scope, request: Row) -> Row:
        """Accept a model with exactly one container; nothing is downloaded before an endpoint wants it."""
        container_of(request)
        if not request.get("ExecutionRoleArn"):
            raise errors.validation(
                "The local SageMaker needs the model's ExecutionRoleArn: its containers act as that role."
            )
        check_role(request["ExecutionRoleArn"], scope)
        isolation = bool(request.get("EnableNetworkIsolation"))
        row = self._store.create(MODEL, scope, request | {"EnableNetworkIsolation": isolation})
        return {"ModelArn": row["ModelArn"]}

    def create_endpoint_config(self, scope: Scope, request: Row) -> Row:
        """Accept a configuration whose models exist and whose variants can work."""
        endpoint_configs.check_config(request, lambda name: self._store.get(MODEL, scope, name))
        row = self._store.create(ENDPOINT_CONFIG, scope, request)
        return {"EndpointConfigArn": row["EndpointConfigArn"]}

    def describe(self, kind: Kind) -> Callable[[Scope, Row], Row]:
        """Return the Describe operation of a kind."""
        return lambda scope, request: self._store.get(kind, scope, request[kind.name_member])

    def delete(self, kind: Kind) -> Callable[[Scope, Row], Row]:
        """Return the Delete operation of a kind."""

        def _operation(scope: Scope, request: Row) -> Row:
            self._store.delete(kind, scope, request[kind.name_member])
            return {}

        return _operation

    def list_rows(self, kind: Kind) -> Callable[[Scope, Row], Row]:
        """Return the List operation of a kind."""

        def _operation(scope: Scope, request: Row) -> Row:
            page, token = listing.list_page(kind, self._store.rows(kind, scope), request)
            return {f"{kind.name}s": page, "NextToken": token}

        return _operation


def container_of(model: Row) -> dict[str, Any]:
    """Return the one container of a model; pipelines of several containers are AWS's alone."""
    containers = (
        [model["PrimaryContainer"]] if model.get("PrimaryContainer") else model.get("Containers") or []
    )
    if len(containers) != 1:
        raise errors.validation("The local SageMaker serves models with exactly one container.")
    container: dict[str, Any] = containers[0]
    if not container.get("Image"):
        raise errors.validation("The local SageMaker serves containers with an Image (no model packages).")
    if container.get("Mode", "SingleModel") != "SingleModel":
        raise errors.validation("The local SageMaker serves containers in mode SingleModel.")
    _check_model_data(container)
    return container


def _check_model_data(container: dict[str, Any]) -> None:
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source and (source["S3DataType"], source["CompressionType"]) not in _MODEL_DATA:
        raise errors.unsupported(
            "model data is one archive (S3Object, Gzip) or the files under a prefix (S3Prefix, None)"
        )


def model_data_uri(container: dict[str, Any]) -> str | None:
    """Return the S3 URI of the model archive, whichever of the two members names it."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return container.get("ModelDataUrl") or source.get("S3Uri")


def is_uncompressed(container: dict[str, Any]) -> bool:
    """Whether the model's files lie under its URI one by one, instead of in an archive."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource") or {}
    return source.get("CompressionType") == "None"
