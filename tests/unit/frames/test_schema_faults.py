"""Bad tables: one error that names file, column, rows and the mend."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from finalmile.errors import SchemaError, UnknownNameError
from finalmile.frames.casting import Cast
from finalmile.frames.periods import Frequency
from finalmile.frames.schema import Cleaned, clean

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)


def days(n: int, *, first: date = date(2024, 1, 1), step: int = 1) -> list[date]:
    return [first + timedelta(days=step * at) for at in range(n)]


def sales(**columns: object) -> pl.DataFrame:
    return pl.DataFrame(
        {"unique_id": ["a", "a", "b"], "ds": [*days(2), date(2024, 1, 1)], "y": [1.0, 2.0, 3.0]} | columns
    )


def take(frame: pl.DataFrame, kind: str = "sales", **how: object) -> Cleaned:
    return clean(kind, frame, source="shop.csv", now=NOW, **how)  # type: ignore[arg-type]


def faults(frame: pl.DataFrame, kind: str = "sales", **how: object) -> list[str]:
    with pytest.raises(SchemaError) as caught:
        take(frame, kind, **how)
    assert str(caught.value).startswith("shop.csv: ")
    return list(caught.value.faults)


def test_a_missing_column_is_named_with_what_would_do_and_what_is_there() -> None:
    (fault,) = faults(sales().rename({"y": "foo"}))
    assert fault.startswith("y: the column is missing (there are: unique_id, ds, foo)")
    assert "target" in fault
    assert "columns={'y': ...}" in fault


def test_numbers_that_are_words_are_told_with_their_rows() -> None:
    (fault,) = faults(sales(y=["1", "many", "3"]))
    assert fault == "y: 1 of 3 rows is not a number: row 2 ('many'); write numbers such as 1.5"


def test_a_decimal_comma_is_hinted_at_and_not_guessed() -> None:
    frame = sales(y=["1,5", "1.000,5", "3"])
    (fault,) = faults(frame)
    assert "decimal_comma=True" in fault
    assert take(frame, cast=Cast(decimal_comma=True)).frame["y"].to_list() == [1.5, 1000.5, 3.0]


def test_with_a_decimal_comma_a_point_only_parts_thousands() -> None:
    (fault,) = faults(sales(y=["1,5", "1.5", "3"]), cast=Cast(decimal_comma=True))
    assert fault == "y: 1 of 3 rows is not a number: row 2 ('1.5'); write numbers such as 1,5 or 1.000,5"


def test_prices_with_a_comma_are_refused_and_not_kept_as_words() -> None:
    frame = sales(price=["3,50", "3,50", "4"])
    (fault,) = faults(frame, untyped=True)
    assert fault.startswith("price: holds numbers with a decimal comma, such as '3,50'; say decimal_comma=True")
    assert take(frame, cast=Cast(decimal_comma=True), untyped=True).frame["price"].to_list() == [3.5, 3.5, 4.0]
    assert take(frame, known={"price": "text"}, untyped=True).frame["price"].null_count() < 3
    words = sales(size=["3,5 kg", "2", "1"])
    assert "size" in {*take(words, untyped=True).frame.columns, *take(words, untyped=True).hierarchy.columns}


def test_covariates_of_a_file_have_the_decimal_comma_too() -> None:
    frame = sales(y=["1", "2", "3"], price=["1,5", "1.000,5", "3"])
    told = take(frame.cast(pl.String), cast=Cast(decimal_comma=True), untyped=True)
    assert told.frame["price"].to_list() == [1.5, 1000.5, 3.0]


def test_columns_named_the_wrong_way_round_are_told_the_right_way() -> None:
    (fault,) = faults(sales().rename({"y": "foo"}), columns={"foo": "y"})
    mend = "our name comes first: columns={'y': 'foo'}, or --column y=foo"
    assert fault == f"y: the names are the wrong way round, 'foo' is the file's; {mend}"


def test_dates_that_could_be_read_two_ways_are_not_guessed() -> None:
    frame = sales(ds=["01/02/2024", "02/02/2024", "01/02/2024"])
    (fault,) = faults(frame)
    assert fault.startswith("ds: 3 of 3 rows are not dates: row 1 ('01/02/2024')")
    assert "date_format='%d/%m/%Y'" in fault
    read = take(frame, cast=Cast(date_format="%d/%m/%Y")).frame["ds"]
    assert read.min() == date(2024, 2, 1)


def test_a_column_of_the_wrong_type_is_one_fault() -> None:
    (fault,) = faults(sales(y=[date(2024, 1, 1)] * 3))
    assert fault.startswith("y: is Date, not a number")


def test_every_fault_is_told_at_once() -> None:
    frame = pl.DataFrame(
        {"unique_id": ["a", None], "ds": ["2024-01-01", "soon"], "y": ["x", "1"], "in_stock": ["no", "?"]}
    )
    told = faults(frame)
    assert [fault.split(":")[0] for fault in told] == ["unique_id", "ds", "y", "in_stock"]


def test_an_error_survives_pickling() -> None:
    with pytest.raises(SchemaError) as caught:
        take(sales(y=["x", "1", "2"]))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.faults == caught.value.faults


def test_daily_and_weekly_series_do_not_mix() -> None:
    frame = pl.DataFrame({"unique_id": ["day"] * 20 + ["week"] * 5, "ds": days(20) + days(5, step=7), "y": [1.0] * 25})
    (fault,) = faults(frame)
    assert fault.startswith(
        "ds: 5 of 25 rows step by the week in a set that steps by the day (mixed frequencies): row 21"
    )
    assert take(frame, sparse=True).frequency == Frequency("day")


def test_a_series_that_turns_from_weekly_to_daily_is_mixed() -> None:
    stamps = days(12, step=7) + days(30, first=date(2024, 4, 1))
    assert "mixed frequencies" in faults(pl.DataFrame({"unique_id": ["a"] * 42, "ds": stamps, "y": [1.0] * 42}))[0]


def test_weeks_stamped_on_different_weekdays_are_mixed() -> None:
    frame = pl.DataFrame(
        {
            "unique_id": ["mon"] * 6 + ["sun"] * 6,
            "ds": days(6, step=7) + days(6, first=date(2024, 1, 7), step=7),
            "y": [1.0] * 12,
        }
    )
    assert "one weekday" in faults(frame)[0]


def test_months_among_days_are_mixed() -> None:
    months = [date(2024, month, 1) for month in range(1, 6)]
    frame = pl.DataFrame({"unique_id": ["a"] * 60 + ["b"] * 5, "ds": days(60) + months, "y": [1.0] * 65})
    assert "step by the month" in faults(frame)[0]


def test_hours_and_days_are_mixed() -> None:
    hours = [datetime(2024, 1, 1) + timedelta(hours=at) for at in range(48)]
    stamps = hours + [datetime(2024, 1, 1) + timedelta(days=at) for at in range(6)]
    frame = pl.DataFrame({"unique_id": ["a"] * 48 + ["b"] * 6, "ds": stamps, "y": [1.0] * 54})
    assert "step by the day in a set that steps by the hour" in faults(frame)[0]


def test_holes_are_not_another_frequency() -> None:
    stamps = [day for day in days(100) if day.toordinal() % 3 or day.toordinal() % 7]
    told = take(pl.DataFrame({"unique_id": ["a"] * len(stamps), "ds": stamps, "y": [1.0] * len(stamps)}))
    assert told.frequency == Frequency("day")


def test_rows_that_do_not_fit_the_known_frequency_are_faults() -> None:
    (fault,) = faults(sales(), frequency=Frequency("week"))
    assert fault.startswith("ds: 1 of 3 rows do not start a period of frequency W-MON: row 2")


def test_single_transactions_have_to_be_summed_first() -> None:
    stamps = [datetime(2024, 1, 1, 8, 26), datetime(2024, 1, 1, 9), datetime(2024, 1, 1, 8, 26)]
    (fault,) = faults(sales(ds=stamps))
    assert "single transactions" in fault
    assert "row 1" in fault


def test_days_told_in_another_time_zone_are_noticed() -> None:
    stamps = [datetime(2024, 1, 1, 23), datetime(2024, 1, 2, 23), datetime(2024, 1, 1, 23)]
    assert "every stamp is at 23:00:00" in faults(sales(ds=stamps))[0]


def test_the_same_key_with_different_values_is_a_fault_with_its_rows() -> None:
    (fault,) = faults(sales(ds=[date(2024, 1, 1)] * 3))
    assert fault.startswith("unique_id, ds: 2 of 3 rows give different values for the same key: row 1, row 2")


@pytest.mark.parametrize("y", [float("nan"), None])
def test_sales_nobody_knows_are_faults_unless_out_of_stock(y: float | None) -> None:
    (fault,) = faults(sales(y=[1.0, y, 2.0]))
    assert fault.startswith("y: 1 of 3 rows are empty: row 2")
    told = take(sales(y=[1.0, y, 2.0], in_stock=[True, False, True]))
    assert told.frame.filter(pl.col("censored"))["y"].to_list() == [0.0]
    assert any("taken as 0 and censored" in note for note in told.notes)


@pytest.mark.parametrize("y", [float("inf"), float("-inf"), "inf", "1e999"])
def test_infinity_is_a_fault(y: object) -> None:
    (fault,) = faults(sales(y=pl.Series([y, y, y])))
    assert "are infinite: row 1" in fault


def test_sales_of_tomorrow_are_faults_with_the_mend() -> None:
    (fault,) = faults(sales(ds=[date(2024, 1, 1), date(2034, 1, 1), date(2024, 1, 1)], unique_id=["a", "b", "c"]))
    assert fault.startswith("ds: 1 of 3 rows lie in the future: row 2 (2034-01-01 00:00:00); now is 2024-06-01")


def test_today_may_already_be_tomorrow_somewhere_on_earth() -> None:
    assert take(sales(ds=[date(2024, 6, 1), date(2024, 6, 2), date(2024, 6, 2)])).frame.height == 3


def test_a_date_of_long_ago_is_a_missing_one() -> None:
    assert "too long ago" in faults(sales(ds=["0024-01-01", "2024-01-02", "2024-01-01"]))[0]


def test_a_table_without_rows_is_a_fault() -> None:
    assert faults(sales().clear()) == ["rows: there are none; give at least one row of data below the header"]
    assert faults(pl.DataFrame()) == ["rows: there are none; give at least one row of data below the header"]


def test_empty_ids_are_faults() -> None:
    (fault,) = faults(sales(unique_id=["a", " ", None]))
    assert fault.startswith("unique_id: 2 of 3 rows are empty: row 2, row 3")


def test_a_column_that_was_numbers_stays_numbers() -> None:
    (fault,) = faults(sales(price=["1.5", "cheap", "2"]), known={"price": "number"})
    assert fault.startswith("price: 1 of 3 rows is not a number: row 2 ('cheap')")


def test_rows_are_counted_in_each_file() -> None:
    (fault,) = faults(sales(y=["1", "x", "y"]), parts=[("jan.csv", 1), ("feb.csv", 2)])
    assert "feb.csv row 1 ('x'), feb.csv row 2 ('y')" in fault


def test_a_named_column_has_to_be_there() -> None:
    (fault,) = faults(sales(), columns={"y": "unit"})
    assert fault.startswith("y: there is no column called 'unit'")


def test_joined_ids_must_stay_apart() -> None:
    frame = pl.DataFrame({"s": ["a_b", "a"], "p": ["c", "b_c"], "ds": days(2), "y": [1, 2]})
    assert "both give 'a_b_c'" in faults(frame, columns={"unique_id": "s+p"})[0]


def test_terms_of_items_have_bounds() -> None:
    frame = pl.DataFrame({"unique_id": ["a", "b"], "unit_cost": [-1.0, 2.0], "pack_size": [0, 6], "moq": ["x", "1"]})
    told = faults(frame, "items")
    assert "unit_cost: 1 of 2 rows are negative: row 1 (-1.0); give 0 or more" in told
    assert "pack_size: 1 of 2 rows are not above 0: row 1 (0); give more than 0" in told
    assert len(told) == 3


def test_an_item_described_twice_in_two_ways_is_a_fault() -> None:
    assert "same key" in faults(pl.DataFrame({"unique_id": ["a", "a"], "unit_cost": [1.0, 2.0]}), "items")[0]


def test_stock_counted_tomorrow_is_a_fault() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "at": [date(2024, 7, 1)], "on_hand": [3]})
    assert "lie in the future" in faults(frame, "stock")[0]


def test_an_open_order_needs_its_due_date() -> None:
    frame = pl.DataFrame({"order_id": ["1"], "unique_id": ["a"], "quantity": [5], "due": [None]})
    assert faults(frame, "open_orders") == ["due: 1 of 1 rows are empty: row 1; fill them or leave the rows out"]


def test_a_forecast_of_what_was_known_is_a_fault() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "ds": [date(2024, 1, 1)], "cutoff": [date(2024, 1, 1)], "mean": [1.0]})
    assert "do not lie before ds" in faults(frame, "forecasts")[0]


def test_one_forecast_period_without_cutoff_does_not_tell_its_cutoff() -> None:
    frame = pl.DataFrame({"unique_id": ["a"], "ds": [date(2024, 1, 1)], "mean": [1.0]})
    assert "one ds does not tell the frequency" in faults(frame, "forecasts")[0]
    told = take(frame, "forecasts", frequency=Frequency("day"))
    assert told.frame["cutoff"].to_list() == [date(2023, 12, 31)]


def test_several_models_in_one_table_have_to_be_told_apart() -> None:
    frame = pl.DataFrame(
        {
            "unique_id": ["a"] * 2,
            "ds": days(2),
            "A": [1.0] * 2,
            "A-lo-90": [0.0] * 2,
            "B": [1.0] * 2,
            "B-lo-90": [0.0] * 2,
        }
    )
    assert "several models: A, B" in faults(frame, "forecasts")[0]
    told = take(frame, "forecasts", columns={"mean": "B"})
    assert told.frame.columns == ["unique_id", "cutoff", "ds", "mean", "q0.05"]


def test_an_unknown_kind_of_table_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'sales'"):
        take(sales(), "sale")


CONTROLS = ["\x1b[2J", "\n", "\t", "\x00", "\x7f", "\x9b31m", "\u202e", "\u2066", "\u2028"]


@pytest.mark.parametrize("control", CONTROLS)
def test_ids_with_control_characters_are_refused_with_their_rows(control: str) -> None:
    (fault,) = faults(sales(unique_id=["a", f"b{control}c", "b"]))
    assert fault.startswith(f"unique_id: 1 of 3 rows hold control characters: row 2 ({f'b{control}c'!r}); remove them")
    assert fault.isprintable()


@pytest.mark.parametrize("control", CONTROLS)
def test_names_of_the_hierarchy_and_of_items_with_control_characters_are_refused(control: str) -> None:
    (place,) = faults(sales(category=[f"x{control}y"] * 3))
    (supplier,) = faults(pl.DataFrame({"unique_id": ["a"], "supplier_id": [f"x{control}y"]}), "items")
    (attribute,) = faults(pl.DataFrame({"unique_id": ["a"], "colour": [f"x{control}y"]}), "items")
    assert [told.split(":")[0] for told in (place, supplier, attribute)] == ["category", "supplier_id", "colour"]


def test_a_column_whose_name_holds_control_characters_is_refused() -> None:
    (fault,) = faults(sales().with_columns(pl.lit(1.0).alias("pri\x1b[2Jce")))
    assert fault == "pri\\x1b[2Jce: the name of the column holds control characters; rename it"


def test_ids_of_any_script_and_emoji_are_accepted() -> None:
    names = ["牛乳_東京", "حليب", "\U0001f468\u200d\U0001f469\u200d\U0001f467 é"]
    assert sorted(take(sales(unique_id=names)).frame["unique_id"].to_list()) == sorted(names)


@pytest.mark.parametrize(
    ("column", "right"),
    [
        ("lead_time_days", "write how many days, such as 5, or leave it empty"),
        ("review_period_days", "write how many days, such as 5, or leave it empty"),
        ("pack_size", "write how many units, such as 12, or leave it empty"),
        ("unit_cost", "write an amount of money without its sign, such as 2 or 12.5"),
        ("holding_rate_per_year", "write a share of the cost per year, such as 0.25"),
    ],
)
def test_terms_of_items_that_are_words_are_told_what_would_be_right(column: str, right: str) -> None:
    (fault,) = faults(pl.DataFrame({"unique_id": ["a"], column: ["five"]}), "items")
    assert fault == f"{column}: 1 of 1 rows is not a number: row 1 ('five'); {right}"
