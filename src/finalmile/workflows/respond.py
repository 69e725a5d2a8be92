"""Respond: compare the options on what recently came true, decide by the playbook, and carry the step out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from finalmile.alerting.incidents import acted
from finalmile.frames import FloatArray, Panel
from finalmile.ports import Fitted
from finalmile.records import Alert, Incident, Step, Version
from finalmile.response.playbook import Playbook, cooling_down, decide
from finalmile.response.situation import Situation
from finalmile.workflows import quarantine, ready_made
from finalmile.workflows.arms import rows_in
from finalmile.workflows.deliver import deliver
from finalmile.workflows.promote import promote, rollback, rollback_target
from finalmile.workflows.renew import fallback_version, recalibrated, renew
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.taken import Begun, begin, finish, taken, unfinished, withdraw
from finalmile.workflows.terms import last_price
from finalmile.workflows.train import load_version

_ANSWERED_AT_ONCE = (quarantine.CHECK,)
"""Checks whose incidents were acted on by whoever opened them: a version that cannot answer is out of the way."""

_FOR_PEOPLE = (
    "input_drift",
    "output_drift",
    "schema",
    "ranges",
    "latency",
    "throughput",
    "error_rate",
    "concept_drift",
)
"""Checks that no other version mends, or that say why and not how bad: people read them, the loss is acted on."""

_NOT_HERE = (*_ANSWERED_AT_ONCE, *_FOR_PEOPLE)
_OF_ALL = ("fleet", "products")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Incidents as they stand after the response, and the steps that were taken (or would have been)."""

    incidents: tuple[Incident, ...] = ()
    steps: tuple[Step, ...] = ()


def respond(shop: Shop, model: str, incidents: Sequence[Incident], *, cutoff: int) -> Answered:
    """Answer every critical incident that is open; the first one that leads to a change is the last one answered.

    What is to be done is written down before it is done, and a response that was killed in between is brought to its
    end by the next one; doing so twice changes nothing. A dry run decides and records, and changes nothing.
    """
    by_id = {incident.incident_id: incident for incident in incidents}
    ended = _end_what_was_begun(shop, model, by_id)
    answered = _answer(shop, model, tuple(by_id.values()), cutoff=cutoff)
    deliver(shop)
    return replace(answered, steps=(*ended, *answered.steps))


def _end_what_was_begun(shop: Shop, model: str, incidents: dict[str, Incident]) -> tuple[Step, ...]:
    """Finish what a killed response began, unless somebody else has changed the model or the incident is over."""
    ended: list[Step] = []
    for begun in unfinished(shop, model):
        live, incident = live_version(shop, model), incidents.get(begun.taken.incident_id)
        over = incident is None or incident.state == "resolved"
        if over and live.number == begun.taken.from_version:
            withdraw(shop, begun)
        elif incident is None or over or not _is_of(shop, begun, live):
            finish(shop, begun, live=live.number)
        else:
            incidents[incident.incident_id] = _carry_through(shop, begun, incident)
            ended.append(begun.step)
    return tuple(ended)


def _is_of(shop: Shop, begun: Begun, live: Version) -> bool:
    """Whether the live version is the one before the action or the one it leads to, and nobody else's choice."""
    trained = begun.step.action in {"retrain", "recalibrate"} and live.cutoff == shop.day(begun.cutoff)
    return trained or live.number in {begun.taken.from_version, begun.step.to_version}


def _answer(shop: Shop, model: str, incidents: Sequence[Incident], *, cutoff: int) -> Answered:
    playbook = _playbook(shop, model) if incidents else None
    if playbook is None or cooling_down(taken(shop, model), now=shop.clock.now(), playbook=playbook):
        return Answered(incidents=tuple(incidents))
    answered = list(incidents)
    for place, incident in enumerate(incidents):
        if incident.severity != "critical" or incident.state == "resolved" or _for_people(incident):
            continue
        decision = decide(incident, _situation(shop, model, cutoff), playbook)
        if not decision.steps:
            continue
        for step in decision.steps:
            live = live_version(shop, model).number
            begun = begin(shop, step, incident_id=incident.incident_id, live=live, cutoff=cutoff)
            answered[place] = _carry_through(shop, begun, answered[place])
        return Answered(incidents=tuple(answered), steps=decision.steps)
    return Answered(incidents=tuple(answered))


def _for_people(incident: Incident) -> bool:
    """Whether no change of the version answers it: what mends one group may harm all others."""
    group = incident.check in ("loss", "bias") and incident.subject not in _OF_ALL
    return group or incident.check in _NOT_HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What each option lost on the same recent periods, and in how many of them anything could be judged."""

    by_option: dict[str, float | None]
    looks: int


def option_losses(shop: Shop, options: dict[str, Version], *, cutoff: int, looks: int) -> Losses:
    """What each version would have lost on the last periods, told one period ahead: WAPE, weighted by price.

    All are judged on the same periods, which none of them has learned from: those after the newest training of the
    options that learn. Tables of forecasts and the fallback learn nothing. Where no period is left, no loss is known.
    """
    learned = [
        shop.frequency.index_of(version.cutoff)
        for version in options.values()
        if version.kind not in {ready_made.KIND, shop.model(version.model).fallback}
    ]
    unseen = cutoff - max(learned, default=cutoff - looks)
    panel = shop.known.panel(cutoff)
    looks = max(min(looks, panel.length - 1, unseen), 0)
    fitted = {name: load_version(shop, version) for name, version in options.items()}
    return Losses(
        by_option={name: _loss(shop, one, panel, cutoff=cutoff, looks=looks) for name, one in fitted.items()},
        looks=int((~np.isnan(panel.demand()[:, panel.length - looks :])).any(axis=0).sum()),
    )


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
    judged = option_losses(shop, there, cutoff=cutoff, looks=shop.config.respond.recent_looks)
    return Situation(
        model=model,
        live=live.number,
        previous=None if previous is None else previous.number,
        fallback=cheap.number,
        losses=judged.by_option,
        n_looks=judged.looks,
        taken=taken(shop, model),
        now=shop.clock.now(),
        dry_run=shop.config.respond.dry_run,
    )


def _playbook(shop: Shop, model: str) -> Playbook:
    """What may be done by itself; forecasts made elsewhere are never replaced by a model trained here."""
    rules = shop.config.respond
    ours = live_version(shop, model).kind != ready_made.KIND
    return Playbook(
        automatic=tuple(name for name in rules.automatic if ours or name not in {"retrain", "recalibrate"}),
        min_looks=min(Playbook().min_looks, rules.recent_looks),
        margin=rules.margin,
        cooldown_days=rules.cooldown_days,
        max_per_week=rules.max_per_week,
    )


def _carry_through(shop: Shop, begun: Begun, incident: Incident) -> Incident:
    """Do what was begun, note it with the incident, and record that it is done; each of them again changes nothing."""
    dry_run, step = shop.config.respond.dry_run, begun.step
    if not dry_run:
        _carry_out(shop, step, cutoff=begun.cutoff)
    day = shop.day(begun.cutoff)
    told = f"{step.action} {'would have been done (dry run)' if dry_run else 'done'} on {day}: {step.why}"
    noted = _noted(shop, step, incident, told=told, dry_run=dry_run)
    body = {"step": asdict(step), "from": begun.taken.from_version, "dry_run": dry_run}
    key = f"{step.model} {incident.incident_id} {day}"
    shop.ledger.finish_run(f"respond.{step.action}", key, body, at=begun.taken.at)
    finish(shop, begun, live=live_version(shop, step.model).number)
    return noted


def _carry_out(shop: Shop, step: Step, *, cutoff: int) -> None:
    if step.action == "rollback":
        rollback(shop, step.model, to=step.to_version, why=step.why)
    elif step.action == "fallback":
        promote(shop, step.model, number=step.to_version, why=step.why, force=True)
    elif step.action == "retrain":
        renew(shop, step.model, cutoff, why=step.why)
    elif step.action == "recalibrate":
        recalibrated(shop, step.model, cutoff, why=step.why)


def _noted(shop: Shop, step: Step, incident: Incident, *, told: str, dry_run: bool) -> Incident:
    """The incident with what was done; people are called in the same transaction where that is what is done."""
    if told in incident.actions:
        return incident
    changed = acted(incident, told)
    calls = step.action not in {"rollback", "fallback", "retrain", "recalibrate"} and not dry_run
    shop.ledger.put_incident(changed, alert=_call(step, incident) if calls else None, actor=shop.actor)
    return changed


def _call(step: Step, incident: Incident) -> Alert:
    return Alert(
        name=incident.incident_id,
        severity="critical",
        summary=step.why,
        labels={"model": step.model, "check": incident.check, "subject": incident.subject, "action": step.action},
    )
