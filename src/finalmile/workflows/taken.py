"""Taken: actions on a model that were begun and finished, written so that a kill between the two loses neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from finalmile.records import Step
from finalmile.response.situation import Taken
from finalmile.workflows.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An action that was begun at a cutoff, and whether it was finished."""

    taken: Taken
    step: Step
    cutoff: int
    finished: bool = False


def taken(shop: Shop, model: str) -> tuple[Taken, ...]:
    """Every action begun on a model, finished or not: one that was begun starts the cooldown."""
    return tuple(one.taken for one in _read(shop, model))


def unfinished(shop: Shop, model: str) -> tuple[Begun, ...]:
    """Actions that were begun and of which nobody knows how far they came."""
    return tuple(one for one in _read(shop, model) if not one.finished)


def begin(shop: Shop, step: Step, *, incident_id: str, live: int, cutoff: int) -> Begun:
    """Write down what is about to be done, before it is done."""
    intent = Taken(action=step.action, at=shop.clock.now(), from_version=live, incident_id=incident_id)
    begun = Begun(taken=intent, step=step, cutoff=cutoff)
    _write(shop, step.model, [*_read(shop, step.model), begun])
    return begun


def finish(shop: Shop, begun: Begun, *, live: int) -> None:
    """It was done, and this version is live now."""
    done = replace(begun, taken=replace(begun.taken, to_version=live), finished=True)
    model = begun.step.model
    _write(shop, model, [done if one == begun else one for one in _read(shop, model)])


def withdraw(shop: Shop, begun: Begun) -> None:
    """It was never done and need not be done any more."""
    model = begun.step.model
    _write(shop, model, [one for one in _read(shop, model) if one != begun])


def _read(shop: Shop, model: str) -> list[Begun]:
    blob = shop.ledger.load_state(_key(shop, model))
    return [] if blob is None else [_begun(row) for row in orjson.loads(blob)]


def _begun(row: dict[str, Any]) -> Begun:
    past: dict[str, Any] = row["taken"]
    past["at"] = datetime.fromisoformat(past["at"])
    return Begun(taken=Taken(**past), step=Step(**row["step"]), cutoff=row["cutoff"], finished=row["finished"])


def _write(shop: Shop, model: str, rows: Sequence[Begun]) -> None:
    shop.ledger.save_state(_key(shop, model), orjson.dumps([asdict(row) for row in rows]))


def _key(shop: Shop, model: str) -> str:
    """What a dry run would have done is remembered apart: it must not start the cooldown of the real thing."""
    return f"{'would have taken' if shop.config.respond.dry_run else 'taken'}/{model}"
