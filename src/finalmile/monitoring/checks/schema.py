"""The schema check: do rows have the columns, of the types and in the order, that the model was certified with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import polars as pl

from finalmile.frames import FloatArray
from finalmile.monitoring.registry import checks
from finalmile.records import Finding, Severity

Family = Literal["number", "text", "flag", "time", "nothing", "other"]
_NAMED = 5


@checks.add("schema")
@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCheck:
    """Compares columns: those that are gone, new, of another type, or in another order.

    A whole number that became a fraction, or a date that became an instant, is no other type; a column without any
    value has no type and agrees with all.

    Parameters
    ----------
    ordered
        Whether another order is a breach: so it is for models that take columns by place.
    closed
        Whether a new column is a breach.
    """

    ordered: bool = False
    closed: bool = False

    def compare(
        self, reference: Mapping[str, str], current: Mapping[str, str], /, *, subject: str, at: date | datetime
    ) -> list[Finding]:
        """Four findings, one of each kind of difference; a breach names the columns.

        Parameters
        ----------
        reference, current
            Type of each column by name, in order, as :func:`schema_of` gives them.

        Examples
        --------
        >>> told = SchemaCheck().compare({"price": "Float64", "store": "String"}, {"price": "String"},
        ...                              subject="inputs", at=date(2024, 3, 1))
        >>> [(finding.subject, finding.value) for finding in told if finding.breached]
        [('inputs columns gone', 1.0), ('inputs types', 1.0)]
        >>> told[0].why
        'inputs no longer have the column store; send it again or train without it.'
        """
        gone = [name for name in reference if name not in current]
        new = [name for name in current if name not in reference]
        shared = [name for name in reference if name in current]
        other = [name for name in shared if not _agree(reference[name], current[name])]
        moved = [a for a, b in zip(shared, (name for name in current if name in reference), strict=True) if a != b]
        types = [f"{name} ({reference[name]} became {current[name]})" for name in other]
        return [
            _told(
                f"{subject} columns gone", gone, at=at, n=len(reference), breaks="critical", why=_gone(subject, gone)
            ),
            _told(f"{subject} types", other, at=at, n=len(shared), breaks="critical", why=_types(subject, types)),
            _told(
                f"{subject} columns new",
                new,
                at=at,
                n=len(current),
                breaks=self._of(self.closed),
                why=_new(subject, new),
            ),
            _told(
                f"{subject} column order",
                moved,
                at=at,
                n=len(shared),
                breaks=self._of(self.ordered),
                why=_order(subject, moved),
            ),
        ]

    def _of(self, wanted: bool) -> Severity:
        return "warning" if wanted else "info"


def schema_of(columns: pl.DataFrame | Mapping[str, FloatArray | pl.Series]) -> dict[str, str]:
    """Name and type of each column, in order.

    Examples
    --------
    >>> schema_of(pl.DataFrame({"price": [1.0], "store": ["a"]}))
    {'price': 'Float64', 'store': 'String'}
    """
    if isinstance(columns, pl.DataFrame):
        return {name: str(kind) for name, kind in columns.schema.items()}
    return {
        name: str(values.dtype if isinstance(values, pl.Series) else pl.Series(values[:0]).dtype)
        for name, values in columns.items()
    }


def family(kind: str) -> Family:
    """What a type is of: two types of one family agree.

    Examples
    --------
    >>> family("Int64"), family("Decimal(precision=10, scale=2)"), family("Datetime(time_unit='us')"), family("Null")
    ('number', 'number', 'time', 'nothing')
    """
    head = kind.partition("(")[0].lower()
    if head.startswith(("int", "uint", "float", "decimal")):
        return "number"
    known: dict[str, Family] = {
        "string": "text",
        "str": "text",
        "object": "text",
        "categorical": "text",
        "enum": "text",
        "boolean": "flag",
        "bool": "flag",
        "date": "time",
        "datetime": "time",
        "null": "nothing",
    }
    return known.get(head, "other")


def _agree(a: str, b: str) -> bool:
    one, two = family(a), family(b)
    return a == b or "nothing" in (one, two) or (one == two and one != "other")


def _told(subject: str, names: list[str], *, at: date | datetime, n: int, breaks: Severity, why: str) -> Finding:
    breached = bool(names) and breaks != "info"
    return Finding(
        check="schema",
        subject=subject,
        at=at,
        value=float(len(names)),
        benchmark=0.0,
        unit="columns",
        n=n,
        breached=breached,
        severity=breaks if breached else "info",
        why=why,
    )


def _gone(subject: str, names: list[str]) -> str:
    if not names:
        return f"{subject} have every column they were certified with."
    return f"{subject} no longer have {_listed(names)}; send it again or train without it."


def _types(subject: str, names: list[str]) -> str:
    if not names:
        return f"Columns of {subject} have the types they were certified with."
    return f"{subject} have other types in {_listed(names)}; convert where the rows are made."


def _new(subject: str, names: list[str]) -> str:
    return f"{subject} have {_listed(names)}, which no model asked for." if names else f"{subject} have no new column."


def _order(subject: str, names: list[str]) -> str:
    if not names:
        return f"Columns of {subject} are in the order they were certified with."
    return f"{subject} have {_listed(names)} in another place; models that take columns by place get them wrong."


def _listed(names: list[str]) -> str:
    head = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"the column {head}" if len(names) == 1 else f"the columns {head}{more}"
