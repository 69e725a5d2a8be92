"""Public holidays by country, from the ``holidays`` package."""

from __future__ import annotations

from datetime import date

import holidays
import polars as pl

from finalmile.errors import UnknownNameError


def holiday_names(country: str, *, first: date, last: date, subdivision: str | None = None) -> pl.DataFrame:
    """Public holidays from ``first`` to ``last``, both included: ``ds`` and ``holiday``, sorted by day.

    Parameters
    ----------
    country
        ISO 3166 code of two letters, any case: ``"DE"``.
    subdivision
        State or province code that has holidays of its own: ``"BY"``.

    Raises
    ------
    UnknownNameError
        Where the country or the subdivision is not known.

    Examples
    --------
    >>> holiday_names("us", first=date(2024, 7, 1), last=date(2024, 7, 31)).rows()
    [(datetime.date(2024, 7, 4), 'Independence Day')]
    """
    code = country.strip().upper()
    known = holidays.list_supported_countries()
    if code not in known:
        raise UnknownNameError("country", country, known)
    if subdivision is not None and subdivision not in known[code]:
        raise UnknownNameError(f"subdivision of {code}", subdivision, known[code])
    years = range(first.year, last.year + 1)
    found = holidays.country_holidays(code, subdiv=subdivision, years=years, language="en_US")
    rows = sorted((day, name) for day, name in found.items() if first <= day <= last)
    return pl.DataFrame(rows, schema={"ds": pl.Date, "holiday": pl.String}, orient="row")
