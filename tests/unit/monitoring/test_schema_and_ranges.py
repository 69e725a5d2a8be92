"""The schema and range checks: columns that differ, values that cannot be."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from finalmile.monitoring.checks.ranges import RangeCheck
from finalmile.monitoring.checks.schema import SchemaCheck, family, schema_of
from finalmile.monitoring.inputs.reference import NumericReference
from finalmile.records import Finding

AT = date(2024, 3, 1)
KNOWN = {"sold": NumericReference.of(np.arange(2000.0))}
SCHEMA = {"price": "Float64", "store": "String", "ds": "Date"}


def schema(current: dict[str, str], **settings: bool) -> dict[str, Finding]:
    told = SchemaCheck(**settings).compare(SCHEMA, current, subject="inputs", at=AT)
    return {one.subject.removeprefix("inputs "): one for one in told}


def ranges(values: object, **settings: object) -> Finding:
    [told] = RangeCheck(**settings).compare(KNOWN, {"sold": values}, at=AT)
    return told


def test_the_same_columns_differ_in_nothing() -> None:
    assert not any(one.breached or one.value for one in schema(dict(SCHEMA)).values())


def test_a_column_that_is_gone_is_named() -> None:
    told = schema({"price": "Float64", "ds": "Date"})
    assert told["columns gone"].breached
    assert "store" in told["columns gone"].why


def test_another_order_breaks_only_models_that_take_columns_by_place() -> None:
    turned = dict(reversed(SCHEMA.items()))
    assert not schema(turned)["column order"].breached
    assert schema(turned)["column order"].value == 2.0
    assert schema(turned, ordered=True)["column order"].breached


def test_a_new_column_shifts_no_order_and_breaks_only_what_is_closed() -> None:
    more = {"new": "Int64", **SCHEMA}
    assert schema(more, ordered=True)["column order"].value == 0.0
    assert not schema(more)["columns new"].breached
    assert schema(more, closed=True)["columns new"].breached


@pytest.mark.parametrize(("kind", "breaks"), [("Int32", False), ("String", True), ("Null", False), ("Boolean", True)])
def test_whole_and_broken_numbers_agree_and_text_does_not(kind: str, breaks: bool) -> None:
    assert schema({**SCHEMA, "price": kind})["types"].breached is breaks


def test_types_are_read_from_frames_and_arrays_alike() -> None:
    frame = pl.DataFrame({"a": [1.0], "b": ["x"], "c": [date(2024, 1, 1)]})
    columns = {"a": np.zeros(2), "b": frame["b"], "c": frame["c"]}
    assert schema_of(frame) == schema_of(columns) == {"a": "Float64", "b": "String", "c": "Date"}
    assert family("Struct({'a': Int64})") == "other"


def test_values_known_from_the_reference_are_possible() -> None:
    assert not ranges(np.array([0.0, 5.0, 1999.0, np.nan])).breached


@pytest.mark.parametrize("bad", [np.inf, -np.inf, -1.0])
def test_what_cannot_be_breaches_whatever_its_share(bad: float) -> None:
    told = ranges(np.append(np.arange(999.0), bad))
    assert (told.breached, told.value, told.severity) == (True, 0.001, "critical")


def test_a_new_high_is_told_and_many_far_ones_breach() -> None:
    assert not ranges(np.append(np.arange(999.0), 5000.0)).breached
    told = ranges(np.full(10, 1e6))
    assert told.breached
    assert "far outside 0 to 1999, such as 1e+06" in told.why


def test_a_declared_range_rules() -> None:
    told = ranges(np.array([1.0, 7.0]), declared={"sold": (0.0, 5.0)})
    assert told.breached
    assert "1 outside 0 to 5, such as 7" in told.why
    with pytest.raises(ValueError, match="must be the lower one"):
        RangeCheck(declared={"sold": (5.0, 0.0)})


@pytest.mark.parametrize("values", [None, np.zeros(0), pl.Series(["a"])])
def test_a_column_without_numbers_is_a_finding_of_its_own(values: object) -> None:
    told = RangeCheck().compare(KNOWN, {} if values is None else {"sold": values}, at=AT)
    assert [(one.value, one.severity, one.breached) for one in told] == [(None, "warning", False)]


def test_all_missing_is_possible() -> None:
    assert not ranges(np.full(4, np.nan)).breached
