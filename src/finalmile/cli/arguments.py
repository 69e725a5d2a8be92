"""Arguments that several verbs take, and how their text is read."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from finalmile.errors import UnknownNameError
from finalmile.records import OrderState

if TYPE_CHECKING:
    from finalmile.frames.roles import Role

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
Versioned = Annotated[
    str, typer.Argument(metavar="MODEL[@NUMBER]", help="Name of the model, and the version; the newest by default.")
]
Why = Annotated[str, typer.Option("--why", help="Reason, for the audit trail.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]
Against = Annotated[
    str | None, typer.Option("--against", metavar="POLICY", help="Baseline; that of the settings by default.")
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to also write the results to.")]

DEFAULT_MODEL = "demand"
ROLES = ("number", "text", "hierarchy")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def user_name() -> str:
    """Who is logged in on this machine; "unknown" where it does not say."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def order_state(name: str) -> OrderState:
    """A state that an order can be in.

    Raises
    ------
    UnknownNameError
        Where there is no such state.
    """
    if name not in get_args(OrderState):
        raise UnknownNameError("order state", name, get_args(OrderState))
    return cast("OrderState", name)


def read_version(text: str) -> tuple[str, int | None]:
    """Model and number of ``demand@3``; no number of ``demand``.

    Examples
    --------
    >>> read_version("demand@3"), read_version("demand")
    (('demand', 3), ('demand', None))
    """
    model, at, number = text.partition("@")
    if at and not number.isdecimal():
        raise typer.BadParameter(f"{text!r} is not MODEL or MODEL@NUMBER; write demand or demand@3")
    return model, int(number) if at else None


def read_when(text: str) -> date:
    """A day, or an hour of local time as ``ds`` has it.

    Examples
    --------
    >>> read_when("2016-04-24"), read_when("2016-04-24T06:00")
    (datetime.date(2016, 4, 24), datetime.datetime(2016, 4, 24, 6, 0))
    """
    at = _parsed(text)
    if isinstance(at, datetime) and at.tzinfo:
        raise typer.BadParameter(f"{text!r} names a time zone; days and hours are those of the sales, without one")
    return at


def read_instant(text: str) -> datetime:
    """An instant; a day stands for its start, and without a zone it is UTC.

    Examples
    --------
    >>> read_instant("2016-04-24").isoformat()
    '2016-04-24T00:00:00+00:00'
    """
    at = _parsed(text)
    instant = at if isinstance(at, datetime) else datetime(at.year, at.month, at.day)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _parsed(text: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        mend = "write a day such as 2016-04-24 or an hour such as 2016-04-24T06:00"
        raise typer.BadParameter(f"{text!r} is no date; {mend}") from None


def read_every(text: str) -> timedelta:
    """How long ``1d``, ``12h``, ``30m`` or ``45s`` is.

    Examples
    --------
    >>> read_every("12h")
    datetime.timedelta(seconds=43200)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip().lower())
    if found is None or float(found[1]) == 0:
        raise typer.BadParameter(f"{text!r} is not a time such as 1d, 12h or 30m")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def read_columns(pairs: Sequence[str]) -> dict[str, str]:
    """Mapping of our column names to the file's, from ``y=units_sold``.

    Examples
    --------
    >>> read_columns(["y=units", "ds=day"])
    {'y': 'units', 'ds': 'day'}
    """
    return _pairs(pairs, "OURS=THEIRS; write for example y=units_sold")


def read_roles(pairs: Sequence[str]) -> dict[str, Role]:
    """Roles of columns, from ``brand=hierarchy``.

    Examples
    --------
    >>> read_roles(["brand=hierarchy", "size=number"])
    {'brand': 'hierarchy', 'size': 'number'}
    """
    told = _pairs(pairs, "COLUMN=ROLE; write for example brand=hierarchy")
    wrong = [role for role in told.values() if role not in ROLES]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is no role of a column; write one of {', '.join(ROLES)}")
    return cast("dict[str, Role]", told)


def _pairs(pairs: Sequence[str], right: str) -> dict[str, str]:
    wrong = [pair for pair in pairs if not all(part.strip() for part in pair.partition("=")[::2])]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is not {right}")
    return {first.strip(): second.strip() for first, _, second in (pair.partition("=") for pair in pairs)}
