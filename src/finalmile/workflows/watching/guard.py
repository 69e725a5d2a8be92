"""A look that fails is a finding, and stops no other; a place that cannot keep anything stops them all."""

from __future__ import annotations

import errno
from datetime import date, datetime

from finalmile.errors import BusyError, PermanentError, TransientError, printable
from finalmile.records import Finding
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Look, Seen, Told

_MOST = 300
_NO_ROOM = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOLCK}
)
"""What is wrong with the machine rather than with one file: a full or broken disk, no more files or memory."""


def guarded(name: str, look: Look, shop: Shop, model: str, seen: Seen) -> Told:
    """What a look tells; where it raises, a finding that says so, with the state it had before."""
    try:
        return look(shop, model, seen) or Told()
    except Exception as fault:
        halt(fault)
        return Told(findings=(failed(name, fault, at=shop.day(seen.period)),))


def halt(fault: Exception, /) -> None:
    """Raise a fault of the place where everything is kept; give any other back to be told of.

    Where the ledger is locked or the disk is full no period may count as judged, for nothing of it can be kept: the
    command stops, nothing is noted, and the next one tries again. A damaged file, a model that raises and a look that
    divides by zero would stop every later day too, so they are passed over and said.
    """
    if isinstance(fault, BusyError | TransientError | PermanentError):
        raise fault
    if isinstance(fault, OSError) and fault.errno in _NO_ROOM:
        raise fault


def failed(name: str, fault: Exception, *, at: date | datetime) -> Finding:
    """A warning that a check could not run, and why.

    Examples
    --------
    >>> failed("coverage", KeyError("q0.98"), at=date(2024, 3, 1)).why
    "The check coverage could not run (KeyError: 'q0.98'). The other checks did; its evidence stands as it was."
    """
    told = f"The check {name} could not run ({said(fault)}). The other checks did; its evidence stands as it was."
    return could_not(name, told, at=at)


def could_not(name: str, why: str, *, at: date | datetime) -> Finding:
    """A warning that something did not run, which counts as a check that failed."""
    return Finding(
        check=name,
        subject="check",
        at=at,
        value=None,
        benchmark=None,
        severity="warning",
        why=why,
    )


def said(fault: Exception, /) -> str:
    """A fault in one line that may be shown."""
    return printable(f"{type(fault).__name__}: {fault}")[:_MOST]
