"""The records of a request as the model takes them: all of them or none, or those that fit."""

from collections.abc import Buffer, Mapping, Sequence

import msgspec
from chalicelib.inference.faults import Faults
from chalicelib.inference.formats import JSON, Records, join, to_rows
from chalicelib.inference.validation import Row, Validator

from shared.errors import FieldError, InvalidBody


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """``per_row``: a bad record does not spoil the others. ``only_seen``: a category that training had not is bad."""

    per_row: bool = False
    only_seen: bool = False


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the model: one JSON array, its length, and the places of its records in the request.

    ``places`` is None where all records go; else ``faults`` says of each of the others what is wrong.
    """

    records: Buffer
    count: int
    places: Sequence[int] | None = None
    faults: Mapping[int, Faults] = {}


def fit(records: Records, validator: Validator, rules: Rules) -> Fitted:
    """Return what of *records* goes to the model.

    Raises
    ------
    InvalidBody
        One record does not fit or, of those told apart by row, none does.
    PayloadTooLarge
        There are more than 1,000 records.
    """
    rows: list[Row] | None = None
    body: Buffer = records.body
    if records.kind != JSON:
        rows = to_rows(records, validator.inputs)
        body = join(rows)
    if rows is None or not any(isinstance(row, FieldError) for row in rows):
        try:
            return Fitted(records=body, count=validator.check(body, only_seen=rules.only_seen))
        except InvalidBody:
            if not rules.per_row:
                raise
    return _apart(rows or to_rows(records, validator.inputs), validator, rules)


def _apart(rows: list[Row], validator: Validator, rules: Rules) -> Fitted:
    sifted = validator.sift(rows, only_seen=rules.only_seen) if rules.per_row else None
    if sifted is None or not sifted.good:
        raise validator.refuse(rows, only_seen=rules.only_seen)
    return Fitted(
        records=join(sifted.good), count=len(sifted.good), places=sifted.places, faults=sifted.faults
    )
