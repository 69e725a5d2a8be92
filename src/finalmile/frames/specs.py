"""What each kind of table must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    """

    type: ColumnType
    needed: bool = False
    filled: bool = False
    at_least: float | None = None
    above: float | None = None
    past: bool = False


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
_AMOUNT = Column(type="number", at_least=0)
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
            **dict.fromkeys(("unit_cost", "unit_price", "order_cost", "holding_rate_per_year"), _AMOUNT),
            **dict.fromkeys(("lead_time_days", "lead_time_days_sd", "moq", "max_stock"), _AMOUNT),
            **dict.fromkeys(("review_period_days", "pack_size", "shelf_life_days"), Column(type="number", above=0)),
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
