"""Routes: which versions answer beside the live one, for how much of the traffic, and how durably."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from finalmile.errors import ConfigError, MissingInputError, NotCertifiedError
from finalmile.records import Beside, Deployment, Json, RouteRule
from finalmile.workflows.endpoint import last_good
from finalmile.workflows.shop import Shop, check_model
from finalmile.workflows.version_comparisons import Compared
from finalmile.workflows.versions import evidence

HALF = 0.5
"""Share of the traffic that versions may answer together before anything is proven of them."""
_DEADLINE_MS = (10, 60_000)
_UNSAID = ("", "by hand", "through the API")


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """How a model is answered."""

    rule: RouteRule
    live: int | None
    stable: int | None
    breached: bool = False

    def lines(self) -> list[str]:
        """The live version, then each one beside it with its share."""
        model = self.rule.model
        if self.live is None:
            return [f"No version of {model} is live. Run: finalmile promote {model}"]
        rest = 1 - sum(one.share for one in self.rule.beside)
        stable = "no other version" if self.stable is None else f"{model}@{self.stable}"
        shadow = "none" if self.rule.shadow is None else f"{model}@{self.rule.shadow}"
        return [
            f"live     {model}@{self.live}  {rest:.1%}",
            *(f"{one.role:8} {model}@{one.number}  {one.share:.1%}" for one in self.rule.beside),
            f"stable   {stable} stands by",
            f"shadow   {shadow}",
            f"durable  {'yes: answers once logged' if self.rule.durable else 'no: answers before it is logged'}",
            f"deadline {self.rule.deadline_ms} ms",
        ]

    def to_dict(self) -> Json:
        """Rule, live and stable version."""
        return {**asdict(self.rule), "live": self.live, "stable": self.stable}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesReport:
    """How every model is answered."""

    rows: tuple[Routed, ...]
    breached: bool = False

    def lines(self) -> list[str]:
        """Model by model."""
        return [line for row in self.rows for line in row.lines()] or ["No version yet. Run: finalmile train demand"]

    def to_dict(self) -> Json:
        """Rules under ``routes``."""
        return {"routes": [row.to_dict() for row in self.rows]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be different; ``None`` leaves it as it is.

    Parameters
    ----------
    canary
        Version and share; a share of 0 ends the canary.
    arms
        Share by version, in place of all arms there are; empty ends them.
    shadow
        Version, 0 for none.
    """

    canary: tuple[int, float] | None = None
    arms: Mapping[int, float] | None = None
    shadow: int | None = None
    durable: bool | None = None
    deadline_ms: int | None = None


def show(shop: Shop, models: Sequence[str]) -> RoutesReport:
    """How models are answered."""
    return RoutesReport(rows=tuple(_routed(shop, shop.ledger.route(model)) for model in models))


def change(shop: Shop, model: str, wanted: Change, *, why: str, force: bool = False) -> Routed:
    """Answer a model's requests differently from now on.

    Parameters
    ----------
    force
        Raise versions past half of the traffic without a comparison that speaks for it; the audit says so.

    Raises
    ------
    NotCertifiedError
        Where versions are raised past half of the traffic, together, whose comparison with the live version did not
        end in "win" or "equal".
    ConfigError
        For shares outside [0, 1] or above 1 together, a version that is live already or quarantined; every fault.
        For force without a reason.
    MissingInputError
        Where nothing is live that another version could stand beside.
    UnknownNameError
        Where only other models have versions.
    """
    deployed = shop.ledger.deployment(model)
    if deployed is None:
        check_model(shop.ledger, model)
        raise MissingInputError(f"no version of {model!r} is live, so none can stand beside it; promote one first")
    before = shop.ledger.route(model)
    rule = _changed(before, wanted)
    faults = list(_faults(shop, rule, deployed))
    if faults:
        raise ConfigError(f"routes {model}", faults)
    unproven = _unproven(shop, before, rule)
    if unproven:
        why = _forced(model, unproven, why=why, force=force)
    return _routed(shop, shop.ledger.set_route(rule, at=shop.clock.now(), actor=shop.actor, why=why))


def _unproven(shop: Shop, before: RouteRule, rule: RouteRule) -> list[str]:
    """Versions that together are raised past half of the traffic on less than a verdict, each with what is known."""
    if _share(rule.beside) <= HALF:
        return []
    known = {one.number: evidence(shop, rule.model, one.number) for one in rule.beside}
    open_ = [one for one in rule.beside if (told := known[one.number]) is None or told.decision not in ("win", "equal")]
    had = {one.number: one.share for one in before.beside}
    kept = [min(one.share, had.get(one.number, 0.0)) for one in open_]
    if _share(open_) <= max(HALF, math.fsum(kept)) + 1e-9:
        return []
    return [_lacking(rule.model, one, known[one.number]) for one in open_]


def _share(beside: Sequence[Beside]) -> float:
    return math.fsum(one.share for one in beside)


def _lacking(model: str, one: Beside, told: Compared | None) -> str:
    known = "nobody compared it with the live version" if told is None else f"{told.decision}: {told.finding.why}"
    return f"{model}@{one.number} would answer {one.share:.0%}, and {known}"


def _forced(model: str, unproven: Sequence[str], *, why: str, force: bool) -> str:
    """The reason for the audit trail, or a refusal."""
    told = "; ".join(unproven)
    if not force:
        raise NotCertifiedError(
            f"more than {HALF:.0%} of the traffic needs a comparison that ended in win or equal: {told}. "
            f"Run: finalmile compare {model}; or say --force --why REASON"
        )
    if why.strip() in _UNSAID:
        raise ConfigError(f"routes {model}", ["--force needs a reason of its own, which the audit keeps: --why REASON"])
    return f"{why} (forced: {told})"


def _changed(rule: RouteRule, wanted: Change) -> RouteRule:
    canaries = [one for one in rule.beside if one.role == "canary"]
    arms = [one for one in rule.beside if one.role == "arm"]
    if wanted.canary is not None:
        number, share = wanted.canary
        canaries = [] if share == 0 else [Beside(number=number, share=share)]
    if wanted.arms is not None:
        arms = [Beside(number=number, share=share, role="arm") for number, share in sorted(wanted.arms.items())]
    return replace(
        rule,
        beside=(*canaries, *arms),
        shadow=rule.shadow if wanted.shadow is None else wanted.shadow or None,
        durable=rule.durable if wanted.durable is None else wanted.durable,
        deadline_ms=rule.deadline_ms if wanted.deadline_ms is None else wanted.deadline_ms,
    )


def _faults(shop: Shop, rule: RouteRule, deployed: Deployment) -> Sequence[str]:
    there = {version.number: version for version in shop.ledger.versions(rule.model)}
    faults: list[str] = []
    numbers = [one.number for one in rule.beside]
    for number in (*numbers, *(() if rule.shadow is None else (rule.shadow,))):
        if number not in there:
            faults.append(f"there is no {rule.model}@{number}; known: {', '.join(map(str, sorted(there)))}")
        elif there[number].state == "quarantined":
            faults.append(f"{rule.model}@{number} is quarantined; certify and promote it, or take another")
    if deployed.live in numbers:
        faults.append(f"{rule.model}@{deployed.live} is live; it answers whatever the others leave")
    if len(set(numbers)) != len(numbers):
        faults.append("a version is named twice")
    faults += [
        f"the share of {rule.model}@{one.number} is {one.share}; it must be above 0 and at most 1"
        for one in rule.beside
        if not (math.isfinite(one.share) and 0 < one.share <= 1)
    ]
    if sum(one.share for one in rule.beside) > 1 + 1e-9:
        faults.append("the shares come to more than 1; the live version answers what they leave")
    low, high = _DEADLINE_MS
    if not low <= rule.deadline_ms <= high:
        faults.append(f"the deadline is {rule.deadline_ms} ms; it must lie between {low} and {high}")
    return faults


def _routed(shop: Shop, rule: RouteRule) -> Routed:
    deployed = shop.ledger.deployment(rule.model)
    if deployed is None:
        return Routed(rule=rule, live=None, stable=None)
    return Routed(rule=rule, live=deployed.live, stable=last_good(deployed, shop.ledger.versions(rule.model)))
