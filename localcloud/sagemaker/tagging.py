"""AddTags, ListTags, DeleteTags: one set of tags per ARN."""

from collections.abc import Iterator

from localcloud.sagemaker import errors
from localcloud.sagemaker.store import Row, Scope, Store, Table

# AWS's limit per resource.
_MOST_TAGS = 50


class Tagging:
    """The tag operations over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> Table:
        """Return the operations on tags."""
        return {"AddTags": self.add, "ListTags": self.list_tags, "DeleteTags": self.delete}

    def add(self, scope: Scope, request: Row) -> Row:
        """Add tags or change their values; answer with all of them."""
        arn = request["ResourceArn"]
        tags = self._store.tags(arn) | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        if len(tags) > _MOST_TAGS:
            raise errors.validation(
                f"A resource has at most {_MOST_TAGS} tags; {arn} would have {len(tags)}."
            )
        self._store.set_tags(arn, tags)
        return {"Tags": _as_list(tags)}

    def list_tags(self, scope: Scope, request: Row) -> Row:
        """Return every tag of a resource, on one page."""
        return {"Tags": _as_list(self._store.tags(request["ResourceArn"]))}

    def delete(self, scope: Scope, request: Row) -> Row:
        """Remove tags by key; keys that are not there do not matter."""
        arn = request["ResourceArn"]
        gone = set(request["TagKeys"])
        self._store.set_tags(
            arn, {key: value for key, value in self._store.tags(arn).items() if key not in gone}
        )
        return {}

    def collect(self) -> Iterator[tuple[str, list[dict[str, str]]]]:
        """Yield every resource of the request's account and region with its tags, as MiniStack's tagging API takes them."""
        from ministack.core.responses import get_account_id, get_region

        for arn, tags in self._store.tagged(Scope(account=get_account_id(), region=get_region())).items():
            yield arn, _as_list(tags)


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
