"""Subjects in alarm that no data come of any more: a column gone, a product delisted, a group renamed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from finalmile.alerting.incidents import SILENT
from finalmile.records import Finding
from finalmile.workflows.remembered import remembered
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Seen

LOOKS = 14
"""Looks in a row without data of a subject after which its alarm is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """Subjects whose alarms are over for want of data, and the count of looks without data of every other one."""

    over: tuple[str, ...] = ()
    states: dict[str, bytes] = field(default_factory=dict[str, bytes])


def silenced(shop: Shop, key: str, *, quiet: Iterable[str]) -> Silenced:
    """Count a look without data of each subject in alarm that has none.

    Parameters
    ----------
    key
        Of the state that the alarms are in.
    quiet
        Subjects that are in alarm and of which this look has no data. A subject that has some again counts anew.
    """
    before = remembered(shop.ledger, _key(key))
    counts = {subject: before.get(subject, 0) + 1 for subject in quiet}
    over = tuple(subject for subject, looks in counts.items() if looks >= LOOKS)
    after = {subject: looks for subject, looks in counts.items() if looks < LOOKS}
    return Silenced(over=over, states={_key(key): orjson.dumps(after)} if after != before else {})


def ended(found: Sequence[Finding], *, checks: Collection[str], over: Collection[str], seen: Seen) -> list[Finding]:
    """Findings of a look, with one that ends the incident in place of those of each subject that is silenced."""
    kept = [one for one in found if one.subject not in over]
    return [*kept, *(_ended(check, subject, seen) for subject in over for check in checks)]


def _ended(check: str, subject: str, seen: Seen) -> Finding:
    return Finding(
        check=check,
        subject=subject,
        at=seen.panel.frequency.start_of(seen.period),
        value=float(LOOKS),
        benchmark=float(LOOKS),
        unit=SILENT,
        n=LOOKS,
        why=f"No data of {subject} came in {LOOKS} looks: its alarm is over, and it is judged anew if they come again.",
    )


def _key(key: str) -> str:
    return f"silent of {key}"
