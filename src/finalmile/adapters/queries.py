"""Tables read with a SQL query over any SQLAlchemy URL, whose secrets are never shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from finalmile.errors import SchemaError

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9]*(\+[A-Za-z0-9_]+)?://")


def is_url(source: str) -> bool:
    """True where the source is a database URL rather than a path."""
    return bool(_URL.match(source))


def read_query(source: str, *, query: str | None) -> tuple[str, pl.DataFrame]:
    """Name of the database without its secrets, and the rows of the query.

    Raises
    ------
    SchemaError
        Where the URL, the driver or the query do not work; nothing the query changes is kept.
    """
    url = _parsed(source)
    label = url.set(query={}).render_as_string(hide_password=True)
    if query is None:
        raise SchemaError(label, ["is a database; say which rows: query='select unique_id, ds, y from sales'"])
    if _is_absent_file(url):
        raise SchemaError(label, ["there is no such database file; check the path (an absolute one has 4 slashes)"])
    try:
        engine = sa.create_engine(url)
    except (ImportError, ArgumentError) as error:
        raise SchemaError(
            label, [f"needs a driver ({type(error).__name__}); install it and name it in the URL"]
        ) from None
    try:
        with engine.connect() as connection:
            result = connection.execute(sa.text(query))
            return label, _frame(result)
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or type(error).__name__).splitlines()[0]
        told = _hidden(told, url)
        raise SchemaError(label, [f"the query does not work ({told}); try it in your database's own client"]) from None
    finally:
        engine.dispose()


def _frame(result: sa.CursorResult[tuple[object, ...]]) -> pl.DataFrame:
    if not result.returns_rows:
        raise SchemaError("query", ["gives no rows; use a select"])
    names = list(result.keys())
    rows: list[Sequence[object]] = [tuple(row) for row in result.all()]
    return pl.DataFrame([_column(name, [row[at] for row in rows]) for at, name in enumerate(names)])


def _column(name: str, values: list[object]) -> pl.Series:
    """A typed column, or text where the database mixes types in it."""
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String)


def _parsed(source: str) -> sa.URL:
    try:
        return sa.make_url(source)
    except (ArgumentError, ValueError):
        kind = source.split("://", 1)[0]
        raise SchemaError(f"{kind}://...", ["is not a database URL; write dialect://user:password@host/name"]) from None


def _is_absent_file(url: sa.URL) -> bool:
    """SQLite would make the file, and an empty one is not what was meant."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or "uri" in url.query:
        return False
    return not Path(str(url.database)).exists()


def _hidden(told: str, url: sa.URL) -> str:
    secrets = [str(url.password or ""), *(str(value) for value in url.query.values())]
    for secret in filter(None, secrets):
        told = told.replace(secret, "***")
    return told
