"""A look that fails is a finding, and stops no other."""

from __future__ import annotations

from datetime import date, datetime

from finalmile.errors import printable
from finalmile.records import Finding
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Look, Seen, Told

_MOST = 300


def guarded(name: str, look: Look, shop: Shop, model: str, seen: Seen) -> Told:
    """What a look tells; where it raises, a finding that says so, with the state it had before."""
    try:
        return look(shop, model, seen) or Told()
    except Exception as fault:
        return Told(findings=(failed(name, fault, at=shop.day(seen.period)),))


def failed(name: str, fault: Exception, *, at: date | datetime) -> Finding:
    """A warning that a check could not run, and why.

    Examples
    --------
    >>> failed("coverage", KeyError("q0.98"), at=date(2024, 3, 1)).why
    "The check coverage could not run (KeyError: 'q0.98'). The other checks did; its evidence stands as it was."
    """
    told = printable(f"{type(fault).__name__}: {fault}")[:_MOST]
    return Finding(
        check=name,
        subject="check",
        at=at,
        value=None,
        benchmark=None,
        severity="warning",
        why=f"The check {name} could not run ({told}). The other checks did; its evidence stands as it was.",
    )
