"""Deliver: hand alerts that wait to the receivers, each to everybody at least once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import orjson

from finalmile.ports import Ledger, Notifier
from finalmile.records import Alert
from finalmile.workflows.remembered import remembered
from finalmile.workflows.shop import Shop

_TOOK = "alerts told"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def deliver(shop: Shop) -> None:
    """Hand every waiting alert to the receivers; what a receiver refuses waits for the next time.

    A receiver that took an alert is not told it again because another refuses it. One that was killed between taking
    an alert and the note of it is told twice.
    """
    names = _names(shop.notifiers)
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


def _names(notifiers: Sequence[Notifier]) -> list[str]:
    """What receivers are known by from one process to the next; settings may be secrets and are not kept.

    Where something has no words of its own its address in memory is left out, for it is another one each time;
    receivers that are alike then are told apart by their order.
    """
    told = [_ADDRESS.sub("", f"{type(one).__qualname__} {one!r}") for one in notifiers]
    alike = [told[:at].count(words) for at, words in enumerate(told)]
    numbered = [f"{words} {before}" if before else words for words, before in zip(told, alike, strict=True)]
    return [hashlib.sha256(words.encode()).hexdigest()[:12] for words in numbered]


def _took(ledger: Ledger) -> Mapping[str, Sequence[str]]:
    """Receivers that took an alert which waits for others, by its number in the outbox."""
    return remembered(ledger, _TOOK)
