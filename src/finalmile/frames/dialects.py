"""Other tools' column names in ours: AutoGluon, Nixtla, Prophet, and what spreadsheets say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import polars as pl

from finalmile.errors import printable
from finalmile.frames.faults import Faults
from finalmile.frames.forecast import quantile_column

Kind = Literal[
    "sales", "items", "stock", "receipts", "open_orders", "adjustments", "transfers", "future", "forecasts"
]  # fmt: skip

_PRODUCT = ("item_id", "sku", "product_id", "product", "item", "article", "article_id", "sku_id")
_LOCATION = ("store_id", "store", "location_id", "location", "warehouse_id", "warehouse", "shop", "shop_id", "site")
_PERIOD = ("timestamp", "date", "datetime", "day", "week", "month", "period", "time", "order_date", "sales_date")
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "ds": _PERIOD,
    "y": ("target", "sales", "demand", "units", "units_sold", "quantity", "qty", "sold"),
    "in_stock": ("instock",),
    "on_hand": ("stock_on_hand", "end_inventory", "inventory"),
    "at": ("counted_at", "ds", *_PERIOD),
    "quantity": ("qty", "units", "order_quantity", "open_quantity", "received_quantity"),
    "order_id": ("po", "po_number", "purchase_order", "order", "order_number"),
    "supplier": ("supplier_id", "vendor", "vendor_id"),
    "supplier_id": ("supplier", "vendor", "vendor_id"),
    "ordered_at": ("order_date", "order_at"),
    "due": ("due_date", "due_at", "expected", "expected_at", "eta", "promised"),
    "available_at": ("put_away_at", "available", "put_away"),
    "to_id": ("to", "to_unique_id", "destination"),
    "transfer_id": ("transfer", "transfer_number"),
    "shipped_at": ("shipped", "ship_date", "shipped_date"),
    "received": ("received_quantity", "received_units"),
    "reason": ("reason_code", "cause"),
    "received_at": ("received_date", "delivered_at", "delivery_date", "timestamp", "date"),
    "mean": ("yhat", "forecast", "prediction", "predictions", "y_hat", "expected"),
    "unit_cost": ("cost", "cost_price", "purchase_price", "buying_price"),
    "unit_price": ("price", "sales_price", "selling_price", "retail_price", "list_price"),
    "order_cost": ("ordering_cost", "cost_per_order", "fixed_order_cost"),
    "lead_time_days": ("lead_time", "leadtime", "leadtime_days", "lead_days"),
    "lead_time_days_sd": ("lead_time_sd", "leadtime_sd"),
    "review_period_days": ("review_period", "review_days"),
    "shelf_life_days": ("shelf_life", "shelflife"),
    "moq": (
        "min_order_qty",
        "min_order_quantity",
        "minimum_order_quantity",
        "minimum_order_qty",
        "min_order",
        "minimum_order",
        "min_qty",
        "order_minimum",
    ),
    "pack_size": (
        "packsize",
        "pack",
        "pack_qty",
        "pack_quantity",
        "case_size",
        "case_pack",
        "case_qty",
        "order_multiple",
        "multiple",
        "units_per_case",
        "units_per_pack",
    ),
    "max_stock": ("maximum_stock", "stock_max"),
    "cutoff": ("origin", "forecast_date"),
}
_STOCK_ONLY: Mapping[str, tuple[str, ...]] = {"on_hand": ("stock", "quantity", "qty", "units", "y")}
_LEVEL = re.compile(r"^(?:q|quantile[_-]?)?(0?\.\d+)$", re.IGNORECASE)
_PERCENTILE = re.compile(r"^[pP](\d{1,2}(?:\.\d+)?)$")
_BAND = re.compile(r"^(?P<model>.+)-(?P<side>lo|hi)-(?P<level>\d+(?:\.\d+)?)$")


def synonyms(column: str, *, kind: Kind = "sales") -> tuple[str, ...]:
    """Names that are understood as ``column`` where it is not there itself; the first found wins."""
    if column == "unique_id":
        return (*_PRODUCT, "series_id", "id")
    return _SYNONYMS.get(column, ()) + (_STOCK_ONLY.get(column, ()) if kind == "stock" else ())


def meant(name: str, declared: Iterable[str], *, kind: Kind) -> str | None:
    """The declared column that a name was probably meant for, of those that are not there; None where none is near.

    Examples
    --------
    >>> meant("Pack_sze", ["moq", "pack_size"], kind="items")
    'pack_size'
    >>> meant("category", ["moq", "pack_size"], kind="items")
    """
    ours = {known: column for column in declared for known in (column, *synonyms(column, kind=kind))}
    near = difflib.get_close_matches(name.lower(), ours, n=1, cutoff=0.8)
    return ours[near[0]] if near else None


def translate(
    kind: Kind,
    frame: pl.DataFrame,
    *,
    wanted: tuple[str, ...],
    columns: Mapping[str, str],
    faults: Faults,
    notes: list[str],
) -> pl.DataFrame:
    """The frame under our names; every other column keeps its own.

    Parameters
    ----------
    wanted
        Our names for this kind, in order.
    columns
        Our name to theirs, as the user said; ``"sku+store"`` joins columns with ``_``.
    """
    frame = _stripped(frame, faults)
    frame = _named(frame, columns, faults, wanted=wanted)
    if kind == "forecasts":
        frame = _quantiles(frame, columns, faults, notes)
    if "unique_id" not in frame.columns:
        frame = _identified(frame, faults, notes, alone=kind != "future")
    taken: dict[str, str] = {}
    lower = {name.lower(): name for name in frame.columns}
    for ours in wanted:
        if ours in frame.columns:
            continue
        found = next(
            (lower[n] for n in (ours, *synonyms(ours, kind=kind)) if n in lower and _free(lower[n], wanted, taken)),
            None,
        )
        if found is not None:
            taken[found] = ours
    for theirs, ours in taken.items():
        if theirs.lower() != ours:
            notes.append(f"column {theirs!r} read as {ours}")
    return frame.rename(taken)


def _free(theirs: str, wanted: tuple[str, ...], taken: Mapping[str, str]) -> bool:
    return theirs not in taken and theirs not in wanted


def _stripped(frame: pl.DataFrame, faults: Faults) -> pl.DataFrame:
    names = [name.strip().lstrip("\ufeff") for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        faults.say(", ".join(twice), "there is more than one column of this name", mend="rename or remove all but one")
        return frame
    odd = [printable(name) for name in names if printable(name) != name]
    if odd:
        faults.say(", ".join(odd), "the name of the column holds control characters", mend="rename it")
        return frame.rename(dict(zip(frame.columns, map(printable, names), strict=True)))
    return frame.rename(dict(zip(frame.columns, names, strict=True)))


def _named(frame: pl.DataFrame, columns: Mapping[str, str], faults: Faults, *, wanted: tuple[str, ...]) -> pl.DataFrame:
    for ours, theirs in columns.items():
        parts = [theirs] if theirs in frame.columns else [part.strip() for part in theirs.split("+")]
        absent = [part for part in parts if part not in frame.columns]
        if absent:
            if theirs in wanted and ours in frame.columns:
                mend = f"our name comes first: columns={{{theirs!r}: {ours!r}}}, or --column {theirs}={ours}"
                faults.say(theirs, f"the names are the wrong way round, {ours!r} is the file's", mend=mend)
                continue
            there = ", ".join(frame.columns)
            faults.say(ours, f"there is no column called {absent[0]!r}", mend=f"name one of: {there}")
        elif len(parts) > 1:
            frame = _joined(frame, ours, parts, faults)
        elif theirs != ours:
            frame = frame.drop(ours, strict=False).rename({theirs: ours})
    return frame


def _identified(frame: pl.DataFrame, faults: Faults, notes: list[str], *, alone: bool) -> pl.DataFrame:
    lower = {name.lower(): name for name in frame.columns}
    if "unique_id" in lower:
        return frame.rename({lower["unique_id"]: "unique_id"})
    product = next((lower[name] for name in synonyms("unique_id") if name in lower), None)
    location = next((lower[name] for name in _LOCATION if name in lower), None)
    if product is None or (location is None and not alone):
        return frame
    if location is None:
        notes.append(f"column {product!r} read as unique_id")
        return frame.rename({product: "unique_id"})
    notes.append(f"unique_id made of {product} and {location}, joined with '_'")
    return _joined(frame, "unique_id", [product, location], faults)


def _joined(frame: pl.DataFrame, ours: str, parts: list[str], faults: Faults) -> pl.DataFrame:
    text = [pl.col(part).cast(pl.String).str.strip_chars() for part in parts]
    frame = frame.with_columns(pl.concat_str(text, separator="_").alias(ours))
    pairs = frame.select(ours, *parts).unique()
    if pairs[ours].n_unique() < len(pairs):
        clash = pairs.filter(pairs[ours].is_duplicated())[ours][0]
        faults.say(
            ours, f"different {' and '.join(parts)} both give {clash!r}", mend=f"give a column {ours} of your own"
        )
    return frame


def _quantiles(frame: pl.DataFrame, columns: Mapping[str, str], faults: Faults, notes: list[str]) -> pl.DataFrame:
    model = columns.get("mean") or _only_model(frame, faults)
    renamed: dict[str, str] = {}
    for name in frame.columns:
        level = quantile_level(name, model=model)
        if level is not None and name != quantile_column(level):
            renamed[name] = quantile_column(level)
    twice = sorted({ours for ours in renamed.values() if [*renamed.values(), *frame.columns].count(ours) > 1})
    if twice:
        faults.say(", ".join(twice), "two columns give this quantile", mend="keep one of them")
        return frame
    if renamed:
        notes.append("quantiles read: " + ", ".join(f"{theirs} as {ours}" for theirs, ours in renamed.items()))
    if model is not None and model in frame.columns and "mean" not in frame.columns:
        renamed[model] = "mean"
    return frame.rename(renamed)


def _only_model(frame: pl.DataFrame, faults: Faults) -> str | None:
    models = sorted({match["model"] for match in map(_BAND.match, frame.columns) if match})
    if len(models) > 1:
        faults.say("mean", f"several models: {', '.join(models)}", mend=f"say which: columns={{'mean': {models[0]!r}}}")
    return models[0] if len(models) == 1 else None


def quantile_level(name: str, *, model: str | None = None) -> float | None:
    """Level a column name stands for: ``q0.98``, AutoGluon's ``0.98``, ``p98``, Nixtla's ``Model-hi-96``.

    Examples
    --------
    >>> [quantile_level(name) for name in ("q0.98", "0.1", "p90", "price")]
    [0.98, 0.1, 0.9, None]
    >>> quantile_level("LGBM-lo-90", model="LGBM"), quantile_level("LGBM-hi-96", model="LGBM")
    (0.05, 0.98)
    """
    if match := _LEVEL.match(name):
        level = float(match[1])
    elif match := _PERCENTILE.match(name):
        level = float(match[1]) / 100
    elif (match := _BAND.match(name)) and match["model"] == model:
        share = float(match["level"]) / 100
        level = (1 - share) / 2 if match["side"] == "lo" else (1 + share) / 2
    else:
        return None
    level = round(level, 6)
    return level if 0 < level < 1 else None
