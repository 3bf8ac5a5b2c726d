"""Grants that the suite never uses, and why they are there: patterns of `<role>/<Sid>[/<action or resource>]`."""

UNUSED: dict[str, str] = {}
