"""Public holidays by country."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finalmile.adapters.calendar_days import holiday_names
from finalmile.errors import UnknownNameError

YEAR = {"first": date(2024, 1, 1), "last": date(2024, 12, 31)}


def test_both_ends_of_the_span_count() -> None:
    told = holiday_names("DE", first=date(2024, 12, 25), last=date(2025, 1, 1))
    assert told["ds"].to_list() == [date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1)]
    assert told["holiday"].null_count() == 0


def test_a_state_has_holidays_of_its_own() -> None:
    country, state = holiday_names("DE", **YEAR), holiday_names("de", **YEAR, subdivision="BY")
    assert country.height < state.height
    assert state.filter(pl.col("ds") == date(2024, 1, 6)).height == 1


def test_a_span_without_holidays_is_an_empty_frame_with_its_columns() -> None:
    told = holiday_names("US", first=date(2024, 3, 1), last=date(2024, 3, 2))
    assert told.is_empty()
    assert told.schema == {"ds": pl.Date, "holiday": pl.String}


def test_an_unknown_country_or_state_is_said() -> None:
    with pytest.raises(UnknownNameError, match="no country is called 'XX'"):
        holiday_names("XX", **YEAR)
    with pytest.raises(UnknownNameError, match="subdivision of DE"):
        holiday_names("DE", **YEAR, subdivision="ZZ")
