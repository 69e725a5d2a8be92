"""Deliver: hand alerts that wait to the receivers, each to everybody at least once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import orjson

from finalmile.ports import Ledger, Notifier
from finalmile.records import Alert
from finalmile.workflows.remembered import remembered
from finalmile.workflows.shop import Shop

_TOOK = "alerts told"


def deliver(shop: Shop) -> None:
    """Hand every waiting alert to the receivers; what a receiver refuses waits for the next time.

    A receiver that took an alert is not told it again because another refuses it. One that was killed between taking
    an alert and the note of it is told twice.
    """
    names = [_name(one) for one in shop.notifiers]
    before = _took(shop.ledger)
    waiting: dict[str, Sequence[str]] = {}
    for outbox_id, alert in shop.ledger.pending_alerts():
        had = before.get(str(outbox_id), ())
        each = zip(names, shop.notifiers, strict=True)
        took = [name for name, notifier in each if name in had or _told(notifier, alert)]
        if len(took) == len(names):
            shop.ledger.alert_delivered(outbox_id, at=shop.clock.now())
        elif took:
            waiting[str(outbox_id)] = took
    if waiting != before:
        shop.ledger.save_state(_TOOK, orjson.dumps(waiting))


def _told(notifier: Notifier, alert: Alert) -> bool:
    """Whether a receiver took an alert; one that is down, or breaks, keeps no other from hearing of it."""
    try:
        notifier.notify([alert])
    except Exception:
        return False
    return True


def _name(notifier: Notifier) -> str:
    """What a receiver with these settings is known by; settings may be secrets and are not kept."""
    return hashlib.sha256(f"{type(notifier).__qualname__} {notifier!r}".encode()).hexdigest()[:12]


def _took(ledger: Ledger) -> Mapping[str, Sequence[str]]:
    """Receivers that took an alert which waits for others, by its number in the outbox."""
    return remembered(ledger, _TOOK)
