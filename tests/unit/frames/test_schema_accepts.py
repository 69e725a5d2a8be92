"""Tables that are taken as they come, and how."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from finalmile.frames.dialects import Kind, translate
from finalmile.frames.faults import Faults
from finalmile.frames.panel import panel_from_sales
from finalmile.frames.periods import Frequency
from finalmile.frames.rules import first_listed, listed
from finalmile.frames.schema import Cleaned, clean

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAYS = [date(2024, 1, day) for day in (1, 2, 3)]


def take(frame: pl.DataFrame, kind: Kind = "sales", **how: object) -> Cleaned:
    return clean(kind, frame, source="shop", now=NOW, **how)  # type: ignore[arg-type]


def one(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": ["a"] * 3, "ds": DAYS, "y": [1.0, 2.0, 3.0]} | columns)


def test_unsorted_rows_are_sorted() -> None:
    told = take(one().reverse())
    assert told.frame["ds"].to_list() == DAYS
    assert told.frame["y"].to_list() == [1.0, 2.0, 3.0]
    assert told.notes == ()


def test_exact_repeats_are_dropped_and_noted() -> None:
    told = take(pl.concat([one(), one()]))
    assert told.frame.height == 3
    assert told.notes == ("3 rows repeat another one exactly: dropped",)


def test_returns_are_kept_and_counted() -> None:
    told = take(one(y=[1.0, -2.0, 3.0]))
    assert told.frame["y"].to_list() == [1.0, -2.0, 3.0]
    assert told.notes[0].startswith("1 rows are negative: kept as returns")


def test_fractions_of_a_unit_are_sales() -> None:
    assert take(one(y=[0.25, 1.75, 0.0])).frame["y"].sum() == 2.0


def test_decimals_are_numbers() -> None:
    assert take(one(y=[Decimal("1.25"), Decimal("0.75"), Decimal("3")])).frame["y"].to_list() == [1.25, 0.75, 3.0]


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        ([7, 7, 7], "7"),
        ([7.0, 7.0, 7.0], "7"),
        (["007"] * 3, "007"),
        (["🍎 äpfel"] * 3, "🍎 äpfel"),
        ([" a "] * 3, "a"),
    ],
)
def test_ids_are_text_as_it_is_written(ids: list[object], kept: str) -> None:
    assert set(take(one(unique_id=ids)).frame["unique_id"]) == {kept}


def test_categorical_ids_and_nanosecond_times_are_taken() -> None:
    frame = one().with_columns(pl.col("unique_id").cast(pl.Categorical), pl.col("ds").cast(pl.Datetime("ns")))
    told = take(frame)
    assert told.frame.schema["unique_id"] == pl.String
    assert told.frame.schema["ds"] == pl.Date


def test_aware_times_keep_what_their_own_clock_showed() -> None:
    zone = timezone(timedelta(hours=9))
    stamps = [datetime(2024, 1, 1, hour, tzinfo=zone) for hour in (0, 1, 2)]
    tokyo = pl.Series(stamps).dt.convert_time_zone("Asia/Tokyo")
    told = take(one(ds=tokyo))
    assert told.frame["ds"].to_list() == [stamp.replace(tzinfo=None) for stamp in stamps]
    assert told.frame.schema["ds"] == pl.Datetime("us")
    texts = take(one(ds=[stamp.isoformat() for stamp in stamps]))
    assert texts.frame["ds"].to_list() == told.frame["ds"].to_list()


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-01", "2024-01-02", "2024-01-03"],
        ["2024-01-01 00:00:00", "2024-01-02 00:00", "2024-01-03T00:00:00.000Z"],
        ["20240101", "20240102", "20240103"],
        ["01.01.2024", "2.1.2024", "03.01.2024"],
        ["2024/01/01", "2024/01/02", " 2024-01-03 "],
        [20240101, 20240102, 20240103],
    ],
)
def test_dates_are_read_as_people_write_them(texts: list[object]) -> None:
    assert take(one(ds=texts)).frame["ds"].to_list() == DAYS


def test_months_may_be_written_without_a_day() -> None:
    told = take(one(ds=["2024-01", "2024-02", "2024-03"]))
    assert told.frequency == Frequency("month")


def test_blanks_around_column_names_do_not_matter() -> None:
    assert take(one().rename({"y": " y ", "ds": "ds\t"})).frame.height == 3


@pytest.mark.parametrize("flags", [[True, False, True], [1, 0, 1], ["yes", "no", "Yes"], ["true", "FALSE", "t"]])
def test_what_is_not_in_stock_is_censored(flags: list[object]) -> None:
    told = take(one(in_stock=flags))
    assert told.frame["censored"].to_list() == [False, True, False]
    assert "in_stock" not in told.frame.columns


def test_nothing_left_at_the_end_of_a_period_is_censored() -> None:
    told = take(one(on_hand=[4, 0, -1]))
    assert told.frame["censored"].to_list() == [False, True, True]
    assert "on_hand" in told.frame.columns


def test_unknown_stock_is_not_a_stock_out() -> None:
    assert not take(one(on_hand=[4, None, 2])).frame["censored"].any()


def test_a_series_not_yet_listed_is_not_out_of_stock() -> None:
    told = take(one(y=[0, 5, 0], in_stock=[False, True, False]))
    assert "1 rows are out of stock: censored" in told.notes
    assert "1 rows are out of stock before the series was first there: not listed yet, not short" in told.notes
    assert listed(told.frame)["ds"].to_list() == DAYS[1:]


def test_a_series_sold_while_flagged_was_listed() -> None:
    told = take(one(y=[1, 0, 0], in_stock=[False, False, False]))
    assert listed(told.frame).height == 3


def test_a_series_never_there_has_no_listed_rows() -> None:
    told = take(one(y=[0, 0, 0], in_stock=[False, False, False]))
    assert told.frame.height == 3
    assert listed(told.frame).is_empty()


def test_listing_is_decided_from_the_rows_handed_in_only() -> None:
    told = take(one(y=[0, 0, 5], in_stock=[False, False, True]))
    assert listed(told.frame.filter(pl.col("ds") < DAYS[2])).is_empty()


def test_a_panel_knows_what_was_not_listed_yet() -> None:
    told = take(one(y=[0, 5, 0], in_stock=[False, True, False]))
    panel = panel_from_sales(told.frame, frequency=Frequency("day"), cutoff=Frequency("day").index_of(DAYS[2]))
    assert np.isnan(panel.y[0, 0])
    assert panel.censored.tolist() == [[False, False, True]]
    assert first_listed(told.frame).rows() == [("a", DAYS[1])]


def test_numbers_beside_sales_are_covariates_and_places_are_hierarchy() -> None:
    told = take(
        one(price=[1, 2, 3], promo=[True, False, True], dept_id=[4, 4, 4], brand=["x"] * 3, mood=["a", "b", "a"])
    )
    assert told.covariates == ("price", "promo", "mood")
    assert told.frame.schema["promo"] == pl.Float32
    assert told.hierarchy.row(0, named=True) == {"unique_id": "a", "dept_id": "4", "brand": "x"}


def test_an_event_is_kept_as_the_word_it_is() -> None:
    told = take(one(event=[None, "Easter", None]))
    assert told.frame["event"].to_list() == [None, "Easter", None]


def test_an_item_is_described_by_its_first_row() -> None:
    told = take(one(dept_id=["early", "late", "late"]).reverse())
    assert told.hierarchy["dept_id"].to_list() == ["early"]
    assert "changes within 1 series" in told.notes[0]


def test_a_place_told_late_is_told_by_the_first_row_that_has_it() -> None:
    never = pl.Series([None] * 3, dtype=pl.String)
    frame = one(dept_id=[None, "x", "x"]).vstack(one(unique_id=["b"] * 3, dept_id=never))
    assert take(frame).hierarchy.rows() == [("a", "x"), ("b", None)]


def test_the_role_somebody_gave_goes_before_the_name() -> None:
    told = take(one(dept_id=[1, 2, 3], mood=["a"] * 3), known={"dept_id": "number", "mood": "hierarchy"})
    assert told.covariates == ("dept_id",)
    assert told.hierarchy.columns == ["unique_id", "mood"]


def test_untyped_columns_are_read_for_what_they_hold() -> None:
    frame = one(price=["1.5", "", "2"], promo=["true", "false", "true"], mood=["", "", ""], dept_id=["007"] * 3)
    told = take(frame, untyped=True)
    assert told.covariates == ("price", "promo")
    assert told.frame["price"].to_list() == [1.5, None, 2.0]
    assert told.hierarchy["dept_id"].to_list() == ["007"]
    assert told.notes == ("column 'mood' is empty: left out",)


@pytest.mark.parametrize(
    ("stamps", "frequency"),
    [
        ([datetime(2024, 1, 1, hour) for hour in (0, 1, 5)], "h"),
        ([date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 9)], "D"),
        ([date(2024, 1, 7), date(2024, 1, 14), date(2024, 1, 28)], "W-SUN"),
        ([date(2024, 1, 1), date(2024, 2, 1), date(2024, 4, 1)], "M"),
    ],
)
def test_hours_days_weeks_and_months_are_told_apart(stamps: list[date], frequency: str) -> None:
    told = take(one(ds=stamps))
    assert str(told.frequency) == frequency
    assert told.frame.schema["ds"] == told.frequency.dtype if told.frequency else False


def test_one_day_of_a_daily_set_needs_no_second_one() -> None:
    told = take(one(ds=DAYS[:1] * 3, unique_id=["a", "b", "c"]))
    assert told.frequency is None
    assert told.frame.schema["ds"] == pl.Date


@pytest.mark.parametrize(
    ("names", "unique_id"),
    [
        ({"unique_id": "item_id", "ds": "timestamp", "y": "target"}, "a"),
        ({"unique_id": "SKU", "ds": "Date", "y": "Quantity"}, "a"),
        ({"unique_id": "product", "ds": "week", "y": "units_sold"}, "a"),
    ],
)
def test_other_tools_names_are_understood(names: dict[str, str], unique_id: str) -> None:
    told = take(one().rename(names))
    assert told.frame.columns[:3] == ["unique_id", "ds", "y"]
    assert told.frame["unique_id"][0] == unique_id
    assert any("read as ds" in note for note in told.notes)


def test_product_and_store_make_the_id() -> None:
    frame = one().rename({"unique_id": "sku"}).with_columns(pl.lit(3).alias("store"))
    told = take(frame)
    assert told.frame["unique_id"][0] == "a_3"
    assert told.hierarchy.row(0, named=True) == {"unique_id": "a_3", "sku": "a", "store": "3"}
    assert take(frame, columns={"unique_id": "store + sku"}).frame["unique_id"][0] == "3_a"


def test_a_column_that_is_there_is_not_replaced_by_a_synonym() -> None:
    told = take(one(quantity=[9, 9, 9], inventory=[0, 0, 0]))
    assert told.frame["y"].to_list() == [1.0, 2.0, 3.0]
    assert told.frame["censored"].all()
    assert "quantity" in told.covariates


def forecasts(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"unique_id": ["a", "a"], "ds": DAYS[1:], "mean": [2.0, 3.0]} | columns)


def test_a_forecast_without_cutoff_starts_after_the_period_before_it() -> None:
    told = take(forecasts(), "forecasts")
    assert told.frame["cutoff"].to_list() == [DAYS[0]] * 2
    assert "no cutoff given: taken as 2024-01-01" in told.notes[0]


def test_several_cutoffs_in_a_table_are_fine() -> None:
    frame = forecasts(cutoff=DAYS[:1] * 2).vstack(forecasts(cutoff=[date(2023, 12, 31)] * 2))
    assert take(frame, "forecasts").frame["cutoff"].n_unique() == 2


@pytest.mark.parametrize(
    ("names", "levels"),
    [
        ({"lo": "q0.05", "hi": "q0.95"}, ["q0.05", "q0.95"]),
        ({"lo": "0.1", "hi": "0.9"}, ["q0.1", "q0.9"]),
        ({"lo": "p10", "hi": "P98"}, ["q0.1", "q0.98"]),
        ({"mean": "LGBM", "lo": "LGBM-lo-90", "hi": "LGBM-hi-96"}, ["q0.05", "q0.98"]),
        ({"mean": "AutoETS", "lo": "AutoETS-lo-80", "hi": "AutoETS-hi-80"}, ["q0.1", "q0.9"]),
    ],
)
def test_quantiles_are_read_in_every_dialect(names: dict[str, str], levels: list[str]) -> None:
    told = take(forecasts(lo=[0.0, 1.0], hi=[5.0, 6.0]).rename(names), "forecasts")
    assert told.frame.columns == ["unique_id", "cutoff", "ds", "mean", *levels]
    assert told.frame[levels[1]].to_list() == [5.0, 6.0]


def test_prophets_bands_carry_no_level_and_have_to_be_named() -> None:
    frame = forecasts(yhat_lower=[0.0, 1.0], yhat_upper=[4.0, 5.0]).rename({"mean": "yhat"})
    told = take(frame, "forecasts")
    assert "column 'yhat_lower' is not used for forecasts: left out" in told.notes
    named = take(frame, "forecasts", columns={"q0.1": "yhat_lower", "q0.9": "yhat_upper"})
    assert named.frame["q0.9"].to_list() == [4.0, 5.0]


def test_crossed_and_negative_quantiles_are_mended_and_counted() -> None:
    told = take(forecasts(**{"q0.1": [4.0, -1.0], "q0.9": [1.0, 5.0]}), "forecasts")
    assert told.frame["q0.1"].to_list() == [1.0, 0.0]
    assert told.frame["q0.9"].to_list() == [4.0, 5.0]
    assert sorted(told.notes)[:2] == [
        "1 rows have crossed quantiles: sorted",
        "1 rows have negative values: raised to 0",
    ]


def test_stock_and_orders_are_taken_under_their_usual_names() -> None:
    stock = pl.DataFrame({"sku": ["a"], "store": ["s"], "date": ["2024-05-31 18:00"], "quantity": [-2]})
    told = take(stock, "stock")
    assert told.frame.row(0) == ("a_s", datetime(2024, 5, 31, 18), -2.0)
    orders = pl.DataFrame({"po": [1], "sku": ["a"], "qty": [5], "eta": ["2024-07-01"], "vendor": ["v"]})
    row = take(orders, "open_orders").frame.row(0, named=True)
    assert row == {"order_id": "1", "unique_id": "a", "supplier": "v", "quantity": 5.0, "due": date(2024, 7, 1)}


def test_an_order_may_arrive_in_parts() -> None:
    frame = pl.DataFrame({"order_id": ["1", "1"], "unique_id": ["a", "a"], "quantity": [5, 3], "received_at": DAYS[:2]})
    assert take(frame, "receipts").frame.height == 2


def test_items_keep_every_attribute() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "unit_cost": [1.5], "colour": ["red"], "category": [7], "weight": [2]})
    row = take(frame, "items").frame.row(0, named=True)
    assert row == {"unique_id": "a", "unit_cost": 1.5, "colour": "red", "category": "7", "weight": 2.0}


def test_terms_of_items_are_read_under_the_names_that_buyers_give_them() -> None:
    frame = pl.DataFrame({
        "sku": ["a"], "vendor": ["v"], "min_order_qty": [12], "PackSize": [6], "lead_time": [9], "price": [3.5],
    })  # fmt: skip
    row = take(frame, "items").frame.row(0, named=True)
    assert row == {
        "unique_id": "a", "supplier_id": "v", "moq": 12.0, "pack_size": 6.0, "lead_time_days": 9.0, "unit_price": 3.5,
    }  # fmt: skip


def test_an_attribute_that_is_called_almost_like_a_term_is_told() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "pack_sze": [6], "colour": ["red"]})
    told = take(frame, "items")
    assert told.frame.row(0, named=True) == {"unique_id": "a", "pack_sze": 6.0, "colour": "red"}
    hints = [note for note in told.notes if "changes no order" in note]
    assert len(hints) == 1
    assert "'pack_sze'" in hints[0]
    assert "--column pack_size=pack_sze" in hints[0]


def test_no_term_is_suggested_that_is_there_already() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "pack_size": [6], "pack_sizes": [7]})
    assert not any("changes no order" in note for note in take(frame, "items").notes)


def test_what_will_be_may_lie_in_the_future() -> None:
    frame = pl.DataFrame({"unique_id": ["a"] * 2, "ds": [date(2025, 1, 1), date(2025, 1, 2)], "price": [1, 2]})
    assert take(frame, "future").covariates == ("price",)


def test_a_million_ids_are_fine() -> None:
    n = 1_000_000
    frame = pl.DataFrame({"unique_id": np.arange(n), "ds": pl.Series([DAYS[0]]).new_from_index(0, n), "y": np.ones(n)})
    assert take(frame).frame["unique_id"].n_unique() == n


def test_translating_twice_changes_nothing_more() -> None:
    faults, notes = Faults(source="x", rows=3), list[str]()
    wanted = ("unique_id", "ds", "y")
    once = translate("sales", one().rename({"y": "target"}), wanted=wanted, columns={}, faults=faults, notes=notes)
    again = translate("sales", once, wanted=wanted, columns={}, faults=faults, notes=notes)
    assert again.equals(once)
    assert notes == ["column 'target' read as y"]


def test_weeks_of_the_inventory_game_are_not_short_before_they_are_listed(real_data: Path) -> None:
    frame = pl.read_parquet(real_data / "vn2_weekly_instock.parquet")
    told = take(frame)
    kept = listed(told.frame)
    assert told.frame["censored"].sum() == 10_517
    assert kept["censored"].sum() == 4_012
    assert told.frame.height - kept.height == 6_505
    assert str(told.frequency) == "W-MON"
    assert "department" in told.hierarchy.columns


def test_hourly_rentals_keep_their_hours(real_data: Path) -> None:
    told = take(pl.read_parquet(real_data / "bike_sharing_hourly.parquet"))
    assert str(told.frequency) == "h"
    assert told.frame.schema["ds"] == pl.Datetime("us")
