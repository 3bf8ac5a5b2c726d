"""Which columns say who took what, and how much they liked it."""

from dataclasses import dataclass

from recipe.failure import UserError
from recipe.parameters import Field, Parameters

ID_TYPES = ("string", "integer")


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns of an interaction; `rating` is None where all that is known is that it happened."""

    user: Field
    item: Field
    rating: Field | None


def find_roles(parameters: Parameters) -> Roles:
    """Return the columns; raise `UserError` for one that is not there or cannot play its part."""
    rating = parameters.task_options.get("rating")
    return Roles(
        user=_find(parameters, "user", ID_TYPES),
        item=_find(parameters, "item", ID_TYPES),
        rating=_find(parameters, "rating", ("number", "integer")) if rating else None,
    )


def _find(parameters: Parameters, role: str, types: tuple[str, ...]) -> Field:
    name = parameters.task_options.get(role)
    found = next((f for f in parameters.fields if f.name == name), None)
    if found is None:
        raise UserError(f"The {role} column '{name or ''}' is not a column of the data.")
    if found.type not in types:
        raise UserError(f"The {role} column '{name}' is {found.type}; it must be {' or '.join(types)}.")
    return found
