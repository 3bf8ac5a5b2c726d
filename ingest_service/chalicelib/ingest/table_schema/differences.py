"""How the columns of an upload differ from those expected, told apart and told in a sentence."""

import difflib
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.table_schema.model import Field
from chalicelib.ingest.table_schema.types import NUMERIC, TEMPORAL

from shared.errors import InvalidDataset

SIMILAR = 0.6  # difflib's own cutoff for close matches
_MAX_TOLD = 20
_MAX_PAIRS = 2_500  # of names compared: 50 renamed columns; a thousand would take half a minute
_Placed = tuple[int, Field]  # place in the file, and the column


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """A column that is gone, and a new one that seems to be it."""

    old: str
    new: str


class Retyped(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A column of another type; ``example`` is a cell that shows it."""

    name: str
    old: str
    new: str
    example: str = ""


class SchemaDiff(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All differences; ``widened`` and ``grown`` ones are accepted, any other refuses the upload.

    ``widened`` columns hold more than before (integer → number); ``grown`` ones have new categories or texts
    for "no value".
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    retyped: tuple[Retyped, ...] = ()
    widened: tuple[Retyped, ...] = ()
    grown: tuple[str, ...] = ()

    @property
    def is_breaking(self) -> bool:
        """Say whether the upload cannot become a version."""
        return bool(self.added or self.removed or self.renamed or self.retyped)

    @property
    def sentence(self) -> str:
        """What breaks, in words; the first twenty differences."""
        told = [f"column {name!r} is missing" for name in self.removed]
        told += [f"column {name!r} is new" for name in self.added]
        told += [f"column {pair.old!r} seems to be renamed {pair.new!r}" for pair in self.renamed]
        told += [_retyped(change) for change in self.retyped]
        rest = f"; and {len(told) - _MAX_TOLD} more" if len(told) > _MAX_TOLD else ""
        return "; ".join(told[:_MAX_TOLD]) + rest

    def plain(self) -> dict[str, Any]:
        """Return the differences as JSON has them."""
        document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return document


class SchemaMismatch(InvalidDataset):
    """The upload's columns are not those expected; ``diff`` has the differences as data."""

    def __init__(self, detail: str, diff: SchemaDiff) -> None:
        documented = rejection("schema_mismatch", detail)
        super().__init__(documented.reason, detail)
        self.diff = diff


def compare_columns(expected: Sequence[Field], found: Sequence[Field]) -> SchemaDiff:
    """Return which columns were added, removed and renamed; their order is no difference."""
    names = {field.name for field in expected}
    seen = {field.name for field in found}
    gone = [(place, field) for place, field in enumerate(expected) if field.name not in seen]
    new = [(place, field) for place, field in enumerate(found) if field.name not in names]
    renamed = _pair(gone, new)
    return SchemaDiff(
        added=tuple(field.name for _, field in new if field.name not in renamed.values()),
        removed=tuple(field.name for _, field in gone if field.name not in renamed),
        renamed=tuple(Renamed(old=old, new=name) for old, name in renamed.items()),
    )


def compare_versions(old: Sequence[Field], new: Sequence[Field]) -> SchemaDiff:
    """Return all differences between the columns of two versions."""
    before = {field.name: field for field in old}
    both = [(before[field.name], field) for field in new if field.name in before]
    changed = [(a, b, _change(a, b)) for a, b in both if describe(a) != describe(b)]
    return msgspec.structs.replace(
        compare_columns(old, new),
        retyped=tuple(change for a, b, change in changed if not is_widening(a, b)),
        widened=tuple(change for a, b, change in changed if is_widening(a, b)),
        grown=tuple(b.name for a, b in both if _has_grown(a, b)),
    )


def is_widening(old: Field, new: Field) -> bool:
    """Say whether every value of *old* is one of *new*: integer → number, ISO date → ISO datetime."""
    narrow_to_wide = ((str(NUMERIC[0]), str(NUMERIC[1])), (str(TEMPORAL[0]), str(TEMPORAL[1])))
    return (describe(old), describe(new)) in narrow_to_wide


def describe(field: Field) -> str:
    """Return type and format in words, such as ``date (%d.%m.%Y)``."""
    return str(field.type) if field.format == "default" else f"{field.type} ({field.format})"


def _retyped(change: Retyped) -> str:
    example = f" (such as {change.example!r})" if change.example else ""
    return f"column {change.name!r} is {change.new}{example}, not {change.old}"


def _change(old: Field, new: Field) -> Retyped:
    return Retyped(name=old.name, old=describe(old), new=describe(new))


def _has_grown(old: Field, new: Field) -> bool:
    categories = set(new.categories) - set(old.categories)
    return bool(categories) or bool(set(new.missing_values) - set(old.missing_values))


def _pair(gone: list[_Placed], new: list[_Placed]) -> dict[str, str]:
    """Return new names by old, each name once."""
    pairs = _pair_by_name(gone, new) if len(gone) * len(new) <= _MAX_PAIRS else {}
    is_only_change = len(gone) == len(new) == 1
    if not pairs and is_only_change and _is_in_place(gone[0], new[0]):
        return {gone[0][1].name: new[0][1].name}
    return pairs


def _pair_by_name(gone: list[_Placed], new: list[_Placed]) -> dict[str, str]:
    scores = [(_similarity(old, added), old.name, added.name) for _, old in gone for _, added in new]
    pairs: dict[str, str] = {}
    # The most similar first, so that no column takes the name of a closer one.
    for score, old_name, new_name in sorted(scores, key=lambda item: (-item[0], item[1], item[2])):
        if score >= SIMILAR and old_name not in pairs and new_name not in pairs.values():
            pairs[old_name] = new_name
    return pairs


def _similarity(old: Field, new: Field) -> float:
    """Return how alike two columns are, 0 to 1 (equal names but for case); 0 where their types are none of a kind."""
    if not any({old.type, new.type} <= set(kinds) for kinds in (NUMERIC, TEMPORAL, (old.type,))):
        return 0.0
    return difflib.SequenceMatcher(None, old.name.casefold(), new.name.casefold()).ratio()


def _is_in_place(gone: _Placed, new: _Placed) -> bool:
    return gone[0] == new[0] and gone[1].type is new[1].type
