"""Which step to take in an incident, by what each option lost on recent looks, within guards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from finalmile.records import Incident, Step
from finalmile.response.registry import actions
from finalmile.response.situation import Situation, Taken

_CHANGES = frozenset({"rollback", "fallback", "retrain", "recalibrate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What may be done without asking, and how often.

    Parameters
    ----------
    automatic
        Actions that may be taken by themselves, the cheapest first; among options that do about equally well the
        first named is taken. Empty: every incident is escalated.
    margin
        An option must lose at least this share less than keeping the version; 0.02 is 2 %.
    cooldown_days
        Days between two automatic changes of a model.
    max_per_week
        Automatic changes in any seven days; after that people decide.
    min_looks
        Recent looks with actuals, after the newest training of any option, that a decision needs; with fewer nothing
        is changed.
    """

    automatic: tuple[str, ...] = ("recalibrate", "rollback", "fallback", "retrain")
    margin: float = 0.02
    cooldown_days: float = 7.0
    max_per_week: int = 2
    min_looks: int = 7

    def __post_init__(self) -> None:
        for name in self.automatic:
            actions[name]
        if self.margin < 0 or self.cooldown_days < 0 or self.max_per_week < 0 or self.min_looks < 1:
            raise ValueError("margin, cooldown_days and max_per_week must be at least 0, min_looks at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and every reason for and against.

    Parameters
    ----------
    steps
        In order; empty where waiting is best.
    reasons
        One sentence per option or guard.
    dry_run
        Nothing is to be carried out.
    """

    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    dry_run: bool = False


def decide(incident: Incident, situation: Situation, playbook: Playbook) -> Decision:
    """The step with clearly the lowest recent loss, within the guards; else retrain, else a call for people.

    Without enough looks nothing changes: missing data is a reason to hold, never a reason to act. Within the
    cooldown the last change is given time to show its effect. Retraining, whose loss nobody can know before, is for
    critical incidents only. An incident that was escalated is not escalated again within
    the cooldown.

    Raises
    ------
    UnknownNameError
        The playbook names an action that is not there.
    """
    seen = replace(situation, incident=incident)
    held = _hold(incident, seen, playbook)
    if held is not None:
        return Decision(steps=(), reasons=(held,), dry_run=seen.dry_run)
    guard = _guard(seen, playbook)
    if guard is not None:
        return _escalation(seen, playbook, reasons=(guard,))
    options, reasons = _options(seen, playbook)
    if "recalibrate" in options:  # only where coverage asks, and cheaper than anything else
        return Decision(steps=(options["recalibrate"],), reasons=tuple(reasons), dry_run=seen.dry_run)
    best = _best(options, seen, playbook)
    if best is not None:
        return Decision(steps=(options[best],), reasons=tuple(reasons), dry_run=seen.dry_run)
    reasons.append(f"No option loses at least {playbook.margin:.0%} less than keeping version {seen.live}.")
    retrain = options.get("retrain")
    if retrain is not None and incident.severity == "critical":
        return Decision(steps=(retrain,), reasons=tuple(reasons), dry_run=seen.dry_run)
    return _escalation(seen, playbook, reasons=tuple(reasons))


def _hold(incident: Incident, situation: Situation, playbook: Playbook) -> str | None:
    if incident.state == "resolved":
        return "Hold: the incident is over."
    if incident.check == "freshness":
        return "Hold: actuals are missing, so no option can be judged; bring the data first."
    if situation.n_looks < playbook.min_looks:
        looks = f"{situation.n_looks} recent looks have actuals that no option learned from"
        return f"Hold: {looks}, a decision needs {playbook.min_looks}."
    if _loss(situation, "keep") is None:
        return f"Hold: the recent loss of version {situation.live} is not known."
    return cooling_down(situation.taken, now=situation.now, playbook=playbook)


def cooling_down(taken: Sequence[Taken], *, now: datetime, playbook: Playbook) -> str | None:
    """Why nothing may be changed yet: the last change is younger than the cooldown; ``None`` once it is not."""
    changes = _changes(taken, now)
    if not changes or now - max(changes) >= timedelta(days=playbook.cooldown_days):
        return None
    when = _day(max(changes))
    return f"Hold: the last change was on {when}; {playbook.cooldown_days:g} days must show whether it helped."


def _guard(situation: Situation, playbook: Playbook) -> str | None:
    week = [at for at in _changes(situation.taken, situation.now) if situation.now - at < timedelta(days=7)]
    if len(week) >= playbook.max_per_week:
        return f"{len(week)} changes within a week are the most allowed."
    return None


def _changes(taken: Sequence[Taken], now: datetime) -> list[datetime]:
    return [past.at for past in taken if past.action in _CHANGES and past.at <= now]


def _options(situation: Situation, playbook: Playbook) -> tuple[dict[str, Step], list[str]]:
    """Steps that are possible, and a sentence on every action of the playbook."""
    options: dict[str, Step] = {}
    reasons: list[str] = []
    for name in playbook.automatic:
        step = actions.make(name).plan(situation)
        if step is None and name == "recalibrate":
            continue
        if step is None:
            reasons.append(f"{name}: not possible now ({_why_not(name, situation)}).")
        else:
            options[name] = step
            reasons.append(f"{name}: {situation.compared(name)}.")
    return options, reasons


def _why_not(name: str, situation: Situation) -> str:
    to = {"rollback": situation.previous, "fallback": situation.fallback}.get(name)
    if name not in {"rollback", "fallback"}:
        return "the situation does not allow it"
    if to is None:
        return "there is no such version"
    return f"version {to} is live" if to == situation.live else f"version {to} was left before because it did badly"


def _best(options: dict[str, Step], situation: Situation, playbook: Playbook) -> str | None:
    keep = _loss(situation, "keep")
    losses = {name: loss for name in options if (loss := _loss(situation, name)) is not None}
    if keep is None or not losses:
        return None
    lowest = min(losses.values())
    if not lowest < keep * (1 - playbook.margin):
        return None
    good = [name for name, loss in losses.items() if loss <= lowest * (1 + playbook.margin)]
    return next(name for name in good if losses[name] < keep * (1 - playbook.margin))


def _escalation(situation: Situation, playbook: Playbook, *, reasons: tuple[str, ...]) -> Decision:
    incident = situation.incident
    told = [
        past.at
        for past in situation.taken
        if past.action == "escalate" and incident is not None and past.incident_id == incident.incident_id
    ]
    if told and situation.now - max(told) < timedelta(days=max(playbook.cooldown_days, 1.0)):
        again = f"People were told on {_day(max(told))}; nothing new to tell."
        return Decision(steps=(), reasons=(*reasons, again), dry_run=situation.dry_run)
    step = actions.make("escalate").plan(situation)
    return Decision(steps=() if step is None else (step,), reasons=reasons, dry_run=situation.dry_run)


def _loss(situation: Situation, option: str) -> float | None:
    loss = situation.losses.get(option)
    return loss if loss is not None and math.isfinite(loss) else None


def _day(at: datetime) -> str:
    return at.date().isoformat()
