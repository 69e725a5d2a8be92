"""What changed inside a slice, and how it is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from finalmile.monitoring.why import Around, Event, LossRows, explain_rows, search_rows
from finalmile.monitoring.why.causes import inputs_of, price_step, share_step
from finalmile.monitoring.why.dimensions import category, number

ALL = np.ones(40, dtype=bool)
LATE = np.arange(40) >= 20


def _rows(*, fault: float = 1.0, seed: int = 1) -> LossRows:
    """Ten stores over forty days; store 4 sells `fault` times as much in the last ten."""
    rng = np.random.default_rng(seed)
    store, day = (one.ravel() for one in np.meshgrid(np.arange(10), np.arange(40), indexing="ij"))
    now = day >= 30
    sold = rng.poisson(20.0 * np.where(now & (store == 4), fault, 1.0)).astype(float)
    return LossRows(
        current=now,
        loss=np.abs(20.0 - sold),
        exposure=sold,
        error=20.0 - sold,
        dimensions=(category("store", store.tolist()),),
        series=store.astype(np.int32),
        period=day.astype(np.int64),
    )


def test_an_input_that_moved_everywhere_alike_is_no_cause() -> None:
    rng = np.random.default_rng(2)
    inside = np.arange(40) % 2 == 0
    noise = rng.normal(0, 1, 40)
    told = inputs_of(
        {"both": noise + 9.0 * LATE, "inside": noise + 9.0 * (LATE & inside), "steady": np.full(40, 3.0)},
        inside=inside,
        after=LATE,
    )
    assert told[0].name == "inside"
    assert "steady" not in [one.name for one in told]


def test_an_input_that_went_missing_is_a_cause() -> None:
    values = np.where(LATE, np.nan, 3.0)
    (told,) = inputs_of({"gone": values}, inside=ALL, after=LATE)
    assert (told.missing_before, told.missing_after, told.after) == (0.0, 1.0, None)


@pytest.mark.parametrize("price", [np.full(40, 2.0), np.full(40, np.nan), np.zeros(40), np.full(40, np.inf)])
def test_prices_that_never_moved_or_are_not_known_bring_no_event(price: np.ndarray) -> None:
    assert price_step(price, np.arange(40), inside=ALL) is None


def test_a_share_that_hardly_moved_brings_no_event() -> None:
    assert share_step("promotion", np.zeros(40, dtype=bool), "days", inside=ALL, after=LATE) is None


def test_the_sentence_names_the_part_its_side_the_day_and_what_else_happened() -> None:
    rows = _rows(fault=2.0)
    price = np.where(rows.current & (rows.dimensions[0].codes == 4), 4.0, 5.0)
    deploy = Event(kind="deploy", period=29, words="demand@2 went live")
    told = explain_rows(rows, around=Around(price=price, events=[deploy]))
    assert told.since == 30
    for part in ("store 4", "too low since 30", "of the rise", "prices there fell 20 % on 30", "demand@2 went live"):
        assert part in told.sentence


def test_a_deploy_long_before_is_not_named() -> None:
    told = explain_rows(_rows(fault=2.0), around=Around(events=[Event(kind="deploy", period=2, words="old")]))
    assert told.events == ()


def test_where_no_part_stands_out_that_is_said() -> None:
    assert "no part stands out" in explain_rows(_rows()).sentence


@pytest.mark.parametrize("loss", [np.nan, 0.0])
def test_rows_without_sales_are_told_and_never_an_error(loss: float) -> None:
    rows = _rows()
    empty = LossRows(
        current=rows.current,
        loss=np.full(rows.n, loss),
        exposure=np.full(rows.n, loss),
        error=np.full(rows.n, loss),
        dimensions=rows.dimensions,
        series=rows.series,
        period=rows.period,
    )
    assert explain_rows(empty).sentence.startswith("Nothing can be said")


BEFORE_OR_NOW = [(1.0, 1e300), (1e300, 1.0), (1e300, 1e300), (1.0, 1e99), (1e99, 1.0), (1e-300, 1.0), (1.0, 1.7e308)]


@pytest.mark.parametrize(("before", "now"), BEFORE_OR_NOW)
def test_no_figure_however_large_breaks_an_explanation(before: float, now: float) -> None:
    plain = _rows(fault=2.0)
    times = np.where(plain.current, now, before)
    with np.errstate(over="ignore", invalid="ignore"):
        loss, sold = plain.loss * times, plain.exposure * times
        rows = replace(plain, loss=loss, exposure=sold, error=np.where(loss == 0, 0.0, plain.error * times))
    told = explain_rows(rows, around=Around(inputs={"sold": times}, price=times, promoted=plain.current))
    assert search_rows(rows) == list(told.slices)
    assert max(len(one) for one in told.lines()) < 300


def test_who_reads_is_told_how_many_rows_are_no_numbers_of_units_and_the_rest_is_explained() -> None:
    rows = _rows(fault=2.0)
    broken = rows.loss.copy()
    broken[:3] = [1e300, np.inf, np.nan]
    told = explain_rows(replace(rows, loss=broken))
    assert (told.left_out, told.rows) == (2, rows.n - 3)
    assert "store 4" in told.sentence
    assert "2 rows are left out" in told.sentence
    assert told.to_dict()["left_out"] == 2
    assert "left out" not in explain_rows(rows).sentence


def test_where_no_row_is_a_number_of_units_that_is_the_reason() -> None:
    rows = _rows()
    told = explain_rows(replace(rows, loss=np.full(rows.n, 1e300)))
    assert told.sentence.startswith("Nothing can be said")
    assert f"{rows.n} rows are left out" in told.sentence


def test_an_input_that_became_no_number_is_told_as_missing() -> None:
    (told,) = inputs_of({"gone": np.where(LATE, 1e300, 3.0)}, inside=ALL, after=LATE)
    assert (told.missing_before, told.missing_after, told.after) == (0.0, 1.0, None)


@pytest.mark.parametrize("largest", [1e300, 1.7e308])
def test_an_attribute_too_large_to_measure_is_unknown(largest: float) -> None:
    told = number("x", np.array([1.0, 2.0, largest, -largest] * 20))
    assert told.labels == ("1", "2", "unknown")
