"""Truth on trouble: whatever comes in a column, each check says so in a sentence, and other columns are unharmed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from finalmile.frames import Frequency
from finalmile.monitoring.checks.input_drift import InputDriftCheck
from finalmile.monitoring.checks.output_drift import OutputDriftCheck
from finalmile.monitoring.checks.ranges import RangeCheck
from finalmile.monitoring.checks.schema import SchemaCheck, schema_of
from finalmile.monitoring.checks.series_drift import SeriesDriftCheck
from finalmile.monitoring.inputs.columns import Look
from finalmile.monitoring.inputs.reference import CategoricalReference, NumericReference
from finalmile.monitoring.inputs.series import SeriesLook, SeriesReference, SeriesState
from finalmile.monitoring.inputs.state import InputReference, InputState
from finalmile.records import Finding

FIRST, LOOKS, ROWS, AT = 19_000, 60, 100, date(2024, 3, 1)
DAY = Frequency("day")


class Trouble(NamedTuple):
    """What comes as the price: what the drift check says at once, and which breach of another check there is."""

    price: np.ndarray | pl.Series | None
    said: str
    breach: str = ""


TROUBLES = {
    "all zero": Trouble(np.zeros(ROWS), "price"),
    "constant": Trouble(np.full(ROWS, 3.5), "price"),
    "float32": Trouble(np.full(ROWS, 3.5, dtype=np.float32), "price"),
    "one row": Trouble(np.array([3.5]), "price"),
    "all missing": Trouble(np.full(ROWS, np.nan), "has no value in any of 100 rows"),
    "all null": Trouble(pl.Series("price", [None] * ROWS, dtype=pl.Float64), "has no value in any of 100 rows"),
    "infinite": Trouble(np.where(np.arange(ROWS) % 2, np.inf, -np.inf), "missing or infinite", "ranges"),
    "one infinite": Trouble(np.append(np.full(ROWS - 1, 3.5), np.inf), "price", "ranges"),
    "as large as can be": Trouble(np.full(ROWS, 1.7e308), "price", "ranges"),
    "one row as large as can be": Trouble(np.array([1.7e308]), "price", "ranges"),
    "text": Trouble(pl.Series("price", ["dear"] * ROWS), "something else than numbers", "schema"),
    "no rows": Trouble(np.zeros(0), "is gone"),
    "gone": Trouble(None, "is gone", "schema"),
}
BRIEF = ("one row", "one infinite", "one row as large as can be", "no rows")
"""Trouble of which too little is known to be sure."""


def columns(period: int) -> dict[str, Any]:
    rng = np.random.default_rng([5_960_000, period])
    stores = np.array(["north", "south"])[rng.integers(0, 2, ROWS)]
    return {
        "price": np.exp(rng.normal(size=ROWS)),
        "sold": np.floor(np.exp(rng.normal(size=ROWS))),
        "store": pl.Series("store", stores.tolist()),
    }


def with_trouble(period: int, trouble: Trouble) -> dict[str, Any]:
    rest = {name: values for name, values in columns(period).items() if name != "price"}
    return rest if trouble.price is None else {"price": trouble.price, **rest}


@cache
def references() -> dict[str, NumericReference | CategoricalReference]:
    pooled = [columns(FIRST + t) for t in range(LOOKS)]
    names, counts = np.unique(np.concatenate([one["store"].to_numpy() for one in pooled]), return_counts=True)
    return {
        "price": NumericReference.of(np.concatenate([one["price"] for one in pooled])),
        "sold": NumericReference.of(np.concatenate([one["sold"] for one in pooled])),
        "store": CategoricalReference.of_counts(names.astype(object), counts),
    }


@cache
def started() -> InputState:
    looks = [Look(period=FIRST + t, columns=columns(FIRST + t)) for t in range(LOOKS)]
    return InputDriftCheck().start(InputReference.of(looks, dict(references()), frequency=DAY))


def by_subject(found: list[Finding]) -> dict[str, Finding]:
    return {one.subject: one for one in found}


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("check", [InputDriftCheck(), OutputDriftCheck()], ids=["inputs", "outputs"])
def test_trouble_in_one_column_is_told_at_once_and_harms_no_other(
    name: str, check: InputDriftCheck | OutputDriftCheck
) -> None:
    state, trouble, noun = started(), TROUBLES[name], check.speaker.noun
    at = state.last + 1
    _, usual = check.update(state, Look(period=at, columns=columns(at), rows=ROWS))
    after, found = check.update(state, Look(period=at, columns=with_trouble(at, trouble), rows=ROWS))
    told, before = by_subject(found), by_subject(usual)
    assert trouble.said in told[f"{noun} price"].why
    for other in (f"{noun} sold", f"{noun} store", f"number of {noun} rows"):
        assert replace(told[other], log_evidence=0.0) == replace(before[other], log_evidence=0.0)
    for one in found:
        assert one.why.endswith(".")
        assert one.value is None or np.isfinite(one.value)
        assert (one.value is None) <= (one.severity == "warning")
    assert InputState.from_bytes(after.to_bytes()).last == at


@pytest.mark.parametrize(
    "name", [one for one in TROUBLES if one not in ("one row", "one infinite", "one row as large as can be", "no rows")]
)
def test_trouble_that_lasts_is_an_alarm_or_is_said_every_day(name: str) -> None:
    state, trouble, told = started(), TROUBLES[name], dict[str, Finding]()
    for _ in range(12):
        at = state.last + 1
        state, found = InputDriftCheck().update(state, Look(period=at, columns=with_trouble(at, trouble), rows=ROWS))
        told = by_subject(found)
    price = told["input price"]
    assert price.breached or price.value is None
    assert not told["input sold"].breached


@pytest.mark.parametrize("name", TROUBLES)
def test_schema_and_ranges_tell_trouble_too(name: str) -> None:
    trouble = TROUBLES[name]
    rows = with_trouble(FIRST, trouble)
    usual = schema_of(columns(FIRST))
    found = [
        *SchemaCheck().compare(usual, schema_of(rows), subject="inputs", at=AT),
        *RangeCheck().compare(references(), rows, at=AT),
    ]
    assert {one.check for one in found if one.breached} == ({trouble.breach} if trouble.breach else set())
    assert all(one.why.endswith(".") for one in found)
    sold = [one for one in found if one.subject == "input sold"]
    assert sold == RangeCheck().compare({"sold": references()["sold"]}, columns(FIRST), at=AT)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -np.inf, 1.7e308])
def test_a_series_in_trouble_harms_no_other_and_one_without_history_proves_nothing(value: float) -> None:
    rng, check = np.random.default_rng(5_960_001), SeriesDriftCheck()
    ids, names = np.array(["a", "b", "new"], dtype=object), np.array(["price"], dtype=object)
    history = 5.0 + 0.2 * rng.normal(size=(3, 1, LOOKS))
    history[2] = np.nan
    periods = np.arange(FIRST, FIRST + LOOKS)
    state = check.start(SeriesReference(frequency=DAY, ids=ids, names=names, periods=periods, values=history))
    for _ in range(10):
        values = np.array([[value], [5.0], [7.0]])
        state, [told] = check.update(state, SeriesLook(period=state.last + 1, ids=ids, values=values))
        assert told.why.endswith(".")
        assert told.value is not None
        assert np.isfinite(told.value)
    assert state.listed[1] == -1
    assert SeriesState.from_bytes(state.to_bytes()).last == state.last
