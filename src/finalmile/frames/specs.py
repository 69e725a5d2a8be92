"""What each kind of table must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from finalmile.frames.casting import ColumnType
from finalmile.frames.dialects import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a declared column must be.

    Parameters
    ----------
    type
        What it is read as.
    needed
        The column must be there.
    filled
        Where it is there, every row must hold a value.
    at_least, above
        Bounds of numbers.
    past
        May not lie after now.
    right
        For numbers: what would be right where something else is written.
    """

    type: ColumnType
    needed: bool = False
    filled: bool = False
    at_least: float | None = None
    above: float | None = None
    past: bool = False
    right: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a kind of table must be.

    Parameters
    ----------
    keys
        Columns that name a row.
    columns
        Declared columns.
    extras
        What becomes of all others: kept beside the row, kept as attributes, or left out.
    """

    keys: tuple[str, ...]
    columns: Mapping[str, Column]
    extras: str = "out"


_TEXT = Column(type="text")
_ID = Column(type="text", needed=True, filled=True)
_MONEY = Column(type="number", at_least=0, right="write an amount of money without its sign, such as 2 or 12.5")
_DAYS = Column(type="number", at_least=0, right="write how many days, such as 5, or leave it empty")
_UNITS = Column(type="number", at_least=0, right="write how many units, such as 12, or leave it empty")
_RATE = Column(type="number", at_least=0, right="write a share of the cost per year, such as 0.25")
_DAY = Column(type="date")
_KNOWN = Column(type="instant", past=True)

SPECS: Mapping[Kind, Spec] = {
    "sales": Spec(
        keys=("unique_id", "ds"),
        columns={
            "unique_id": _ID,
            "ds": Column(type="period", needed=True, filled=True, past=True),
            "y": Column(type="number", needed=True),
            "in_stock": Column(type="flag"),
            "on_hand": Column(type="number"),
            "known_at": _KNOWN,
        },
        extras="row",
    ),
    "items": Spec(
        keys=("unique_id",),
        columns={
            "unique_id": _ID,
            **dict.fromkeys(("product_id", "location_id", "supplier_id", "currency", "country", "time_zone"), _TEXT),
            **dict.fromkeys(("unit_cost", "unit_price", "order_cost"), _MONEY),
            "holding_rate_per_year": _RATE,
            **dict.fromkeys(("lead_time_days", "lead_time_days_sd"), _DAYS),
            **dict.fromkeys(("moq", "max_stock"), _UNITS),
            **dict.fromkeys(("review_period_days", "shelf_life_days"), replace(_DAYS, at_least=None, above=0)),
            "pack_size": replace(_UNITS, at_least=None, above=0),
            "price_breaks": _TEXT,
        },
        extras="attributes",
    ),
    "stock": Spec(
        keys=("unique_id", "at"),
        columns={
            "unique_id": _ID,
            "at": Column(type="period", needed=True, filled=True, past=True),
            "on_hand": Column(type="number", needed=True, filled=True),
            "known_at": _KNOWN,
        },
    ),
    "receipts": Spec(
        keys=("order_id", "unique_id", "received_at"),
        columns={
            "order_id": _ID,
            "unique_id": _ID,
            "supplier": _TEXT,
            "quantity": Column(type="number", needed=True, filled=True),
            "ordered_at": Column(type="date", past=True),
            "due": _DAY,
            "received_at": Column(type="date", needed=True, filled=True, past=True),
            "available_at": _DAY,
        },
    ),
    "open_orders": Spec(
        keys=("order_id", "unique_id"),
        columns={
            "order_id": _ID,
            "unique_id": _ID,
            "supplier": _TEXT,
            "quantity": Column(type="number", needed=True, filled=True, at_least=0),
            "ordered_at": Column(type="date", past=True),
            "due": Column(type="date", needed=True, filled=True),
        },
    ),
    "adjustments": Spec(
        keys=("unique_id", "at", "reason"),
        columns={
            "unique_id": _ID,
            "at": Column(type="date", needed=True, filled=True, past=True),
            "reason": _ID,
            "quantity": Column(type="number", needed=True, filled=True),
        },
    ),
    "transfers": Spec(
        keys=("transfer_id", "unique_id", "to_id"),
        columns={
            "transfer_id": _ID,
            "unique_id": _ID,
            "to_id": _ID,
            "quantity": Column(type="number", needed=True, filled=True, at_least=0),
            "shipped_at": Column(type="date", needed=True, filled=True, past=True),
            "due": _DAY,
            "received_at": Column(type="date", past=True),
            "received": Column(type="number", at_least=0, right="write how many units came, or leave it empty"),
        },
    ),
    "future": Spec(
        keys=("unique_id", "ds"),
        columns={
            "unique_id": Column(type="text", filled=True),
            "ds": Column(type="period", needed=True, filled=True),
            "known_at": _KNOWN,
        },
        extras="row",
    ),
    "forecasts": Spec(
        keys=("unique_id", "cutoff", "ds"),
        columns={
            "unique_id": _ID,
            "ds": Column(type="period", needed=True, filled=True),
            "mean": Column(type="number", needed=True, filled=True),
            "cutoff": Column(type="period", filled=True),
        },
    ),
}
