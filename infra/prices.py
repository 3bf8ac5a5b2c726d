"""AWS's list prices, from the dated file beside this: one place to bring up to date."""

import functools
from pathlib import Path

import msgspec

HOURS_A_MONTH = 730


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit costs."""

    usd: float
    unit: str


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """The prices by name, when and where they were so."""

    as_of: str
    currency: str
    region: str
    note: str
    prices: dict[str, Price]


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an estimate: what, how many units of which price, and what that comes to."""

    what: str
    price: str
    quantity: float
    usd: float


@functools.cache
def price_list() -> PriceList:
    """Return the committed list."""
    text = Path(__file__).with_suffix(".json").read_bytes()
    return msgspec.json.decode(text, type=PriceList)


def cost_line(what: str, price: str, quantity: float) -> CostLine:
    """Return the line for so many units of a price of the list."""
    usd = quantity * price_list().prices[price].usd
    return CostLine(what=what, price=price, quantity=quantity, usd=usd)


def total(lines: list[CostLine]) -> float:
    """Return what the lines come to."""
    return sum(line.usd for line in lines)
