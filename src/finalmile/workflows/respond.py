"""Respond: compare the options on what recently came true, decide by the playbook, and carry the step out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import orjson

from finalmile.alerting.incidents import acted
from finalmile.frames import FloatArray, Panel
from finalmile.ports import Fitted
from finalmile.records import Alert, Incident, Step, Version
from finalmile.response.playbook import Decision, Playbook, cooling_down, decide
from finalmile.response.situation import Situation, Taken
from finalmile.workflows import ready_made
from finalmile.workflows.arms import rows_in
from finalmile.workflows.monitor import deliver
from finalmile.workflows.promote import promote, rollback, rollback_target
from finalmile.workflows.renew import fallback_version, renew
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.terms import last_price
from finalmile.workflows.train import keep, load_version, sales_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Incidents as they stand after the response, and the steps that were taken (or would have been)."""

    incidents: tuple[Incident, ...] = ()
    steps: tuple[Step, ...] = ()


def respond(shop: Shop, model: str, incidents: Sequence[Incident], *, cutoff: int) -> Answered:
    """Answer every critical incident that is open; the first one that leads to a change is the last one answered.

    A dry run decides and records, and changes nothing.
    """
    playbook = _playbook(shop, model) if incidents else None
    if playbook is None or cooling_down(_taken(shop, model), now=shop.clock.now(), playbook=playbook):
        return Answered(incidents=tuple(incidents))
    answered = list(incidents)
    for place, incident in enumerate(incidents):
        if incident.severity != "critical" or incident.state == "resolved":
            continue
        decision = decide(incident, _situation(shop, model, cutoff), playbook)
        if not decision.steps:
            continue
        for step in decision.steps:
            _take(shop, step, incident, cutoff=cutoff, dry_run=decision.dry_run)
        answered[place] = _noted(shop, incident, decision, cutoff=cutoff)
        deliver(shop)
        return Answered(incidents=tuple(answered), steps=decision.steps)
    return Answered(incidents=tuple(answered))


def option_losses(shop: Shop, options: dict[str, Version], *, cutoff: int, looks: int) -> dict[str, float | None]:
    """What each version would have lost on the last periods, told one period ahead: WAPE, weighted by price."""
    panel = shop.known.panel(cutoff)
    looks = min(looks, panel.length - 1)
    fitted = {name: load_version(shop, version) for name, version in options.items()}
    return {name: _loss(shop, one, panel, cutoff=cutoff, looks=looks) for name, one in fitted.items()}


def _loss(shop: Shop, fitted: Fitted, panel: Panel, *, cutoff: int, looks: int) -> float | None:
    demand = panel.demand()
    price = last_price(panel)
    weight = np.where(np.isnan(price), np.nanmean(price) if not np.isnan(price).all() else 1.0, price)
    error, sold = 0.0, 0.0
    for period in range(cutoff - looks + 1, cutoff + 1):
        told = fitted.predict(shop.known.panel(period - 1, periods=fitted.needs, ahead=1), horizon=1)
        rows = rows_in(panel.ids, told.ids)
        actual: FloatArray = demand[rows, period - panel.first]
        known = ~np.isnan(actual) & (rows >= 0)
        error += float((np.abs(told.mean[:, 0] - actual) * weight[rows])[known].sum())
        sold += float((np.maximum(actual, 0) * weight[rows])[known].sum())
    return error / sold if sold > 0 else None


def _situation(shop: Shop, model: str, cutoff: int) -> Situation:
    live = live_version(shop, model)
    previous = rollback_target(shop, model)
    cheap = fallback_version(shop, model, cutoff)
    options = {"keep": live, "rollback": previous, "fallback": cheap}
    there = {name: version for name, version in options.items() if version is not None}
    looks = shop.config.respond.recent_looks
    return Situation(
        model=model,
        live=live.number,
        previous=None if previous is None else previous.number,
        fallback=cheap.number,
        losses=option_losses(shop, there, cutoff=cutoff, looks=looks),
        n_looks=_looks_with_actuals(shop, cutoff, looks),
        taken=_taken(shop, model),
        now=shop.clock.now(),
        dry_run=shop.config.respond.dry_run,
    )


def _looks_with_actuals(shop: Shop, cutoff: int, looks: int) -> int:
    """Recent periods in which anything can be judged."""
    demand = shop.known.panel(cutoff, periods=looks).demand()
    return int((~np.isnan(demand)).any(axis=0).sum())


def _playbook(shop: Shop, model: str) -> Playbook:
    """What may be done by itself; forecasts made elsewhere are never replaced by a model trained here."""
    rules = shop.config.respond
    ours = live_version(shop, model).kind != ready_made.KIND
    return Playbook(
        automatic=tuple(name for name in rules.automatic if ours or name != "retrain"),
        min_looks=min(Playbook().min_looks, rules.recent_looks),
        margin=rules.margin,
        cooldown_days=rules.cooldown_days,
        max_per_week=rules.max_per_week,
    )


def _take(shop: Shop, step: Step, incident: Incident, *, cutoff: int, dry_run: bool) -> None:
    before = live_version(shop, step.model)
    if not dry_run:
        _carry_out(shop, step, incident, cutoff=cutoff)
    after = live_version(shop, step.model)
    taken = Taken(
        action=step.action,
        at=shop.clock.now(),
        from_version=before.number,
        to_version=after.number,
        incident_id=incident.incident_id,
    )
    shop.ledger.save_state(
        _taken_key(shop, step.model), orjson.dumps([*map(asdict, _taken(shop, step.model)), asdict(taken)])
    )
    shop.ledger.audit(
        actor=shop.actor, verb=f"respond.{step.action}", subject=str(before),
        body={"step": asdict(step), "incident": incident.incident_id, "dry_run": dry_run}, at=shop.clock.now(),
    )  # fmt: skip


def _carry_out(shop: Shop, step: Step, incident: Incident, *, cutoff: int) -> None:
    if step.action == "rollback":
        rollback(shop, step.model, to=step.to_version, why=step.why)
    elif step.action == "fallback":
        promote(shop, step.model, number=step.to_version, why=step.why, force=True)
    elif step.action == "retrain":
        renew(shop, step.model, cutoff, why=step.why)
    elif step.action == "recalibrate":
        _recalibrate(shop, step, cutoff=cutoff)
    else:
        _call_people(shop, step, incident)


def _recalibrate(shop: Shop, step: Step, *, cutoff: int) -> None:
    live = live_version(shop, step.model)
    digest = keep(shop, load_version(shop, live).recalibrate(sales_at(shop, cutoff, ahead=shop.horizon(step.model))))
    version = shop.ledger.new_version(
        model=step.model, kind=live.kind, digest=digest, cutoff=shop.day(cutoff), settings=live.settings,
        at=shop.clock.now(), actor=shop.actor,
    )  # fmt: skip
    promote(shop, step.model, number=version.number, why=step.why, force=True)


def _call_people(shop: Shop, step: Step, incident: Incident) -> None:
    alert = Alert(
        name=incident.incident_id,
        severity="critical",
        summary=step.why,
        labels={"model": step.model, "check": incident.check, "subject": incident.subject, "action": step.action},
    )
    shop.ledger.put_incident(incident, alert=alert, actor=shop.actor)


def _noted(shop: Shop, incident: Incident, decision: Decision, *, cutoff: int) -> Incident:
    word = "would have been done (dry run)" if decision.dry_run else "done"
    told = tuple(f"{step.action} {word} on {shop.day(cutoff)}: {step.why}" for step in decision.steps)
    changed = incident
    for sentence in told:
        changed = acted(changed, sentence)
    shop.ledger.put_incident(changed, alert=None, actor=shop.actor)
    return changed


def _taken(shop: Shop, model: str) -> tuple[Taken, ...]:
    blob = shop.ledger.load_state(_taken_key(shop, model))
    rows: list[dict[str, object]] = [] if blob is None else orjson.loads(blob)
    return tuple(Taken(**{**row, "at": datetime.fromisoformat(str(row["at"]))}) for row in rows)  # type: ignore[arg-type]  # as written


def _taken_key(shop: Shop, model: str) -> str:
    """What a dry run would have done is remembered apart: it must not start the cooldown of the real thing."""
    return f"{'would have taken' if shop.config.respond.dry_run else 'taken'}/{model}"
