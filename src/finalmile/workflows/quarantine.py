"""Quarantine: a version that keeps failing at the endpoint answers no more, and the last good one does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from finalmile.alerting.incidents import acted, fold
from finalmile.errors import ConflictError
from finalmile.forecasters.isolation import Bounds
from finalmile.records import Finding, Incident, Severity, Version
from finalmile.serving.host import RESTARTS
from finalmile.serving.sandbox import golden_answered
from finalmile.workflows.endpoint import last_good
from finalmile.workflows.shop import Shop

CHECK = "serving"
STRIKES = 3
_TRIES = 5
_BOUNDS = Bounds(load_seconds=60.0, answer_seconds=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """What became of a version, and which one answers instead; ``None`` where there is none."""

    version: Version
    answers: int | None
    incident: Incident


def quarantine(shop: Shop, model: str, number: int, *, strikes: int, why: str) -> Quarantined | None:
    """Take a version off the endpoint, return to the last good one, and open an incident that names it.

    Its alert waits in the outbox for whoever delivers.

    A version that is quarantined already is left alone, and the answer is ``None``.

    Parameters
    ----------
    strikes
        Requests it could not answer.
    why
        One sentence on what it did.
    """
    version = shop.ledger.version(model, number)
    if version.state == "quarantined":
        return None
    now = shop.clock.now()
    version = shop.ledger.set_version_state(version, "quarantined", at=now, actor=shop.actor, why=why)
    answers = _return(shop, version, why=why)
    _leave_route(shop, version, why=why)
    done = "no version is left to answer" if answers is None else f"{model}@{answers} answers instead"
    incident = open_incident(shop, version, why=why, strikes=strikes, done=f"quarantined {version}; {done}")
    return Quarantined(version=version, answers=answers, incident=incident)


def acquit(shop: Shop, version: Version, *, strikes: int) -> Incident | None:
    """Leave a version in place whose strikes came of features that callers gave, and tell it with an incident.

    ``None`` where it does not answer its golden rows, in a process of its own, as it did when it was registered: then
    it is the version that is broken. That process may take as long as a model may to load.
    """
    count = golden_answered(shop.artefacts.path(version.digest), bounds=_BOUNDS)
    if not count:
        return None
    why = (
        f"{version} could not answer {strikes} requests or more about features that callers gave; "
        f"its {count} golden rows it answers as ever."
    )
    done = (
        f"left {version} in place; what it cannot answer is answered by the last good version or refused, "
        f"and a process of its own that such features end is started again, at most {RESTARTS} times a minute"
    )
    return open_incident(shop, version, why=why, strikes=strikes, done=done, severity="warning")


def open_incident(
    shop: Shop, version: Version, *, why: str, strikes: int, done: str, severity: Severity = "critical"
) -> Incident:
    """An incident of the endpoint that names a version, with its alert in the outbox; one that is open stays one."""
    finding = Finding(
        check=CHECK,
        subject=str(version),
        at=shop.clock.now(),
        value=float(strikes),
        benchmark=float(STRIKES),
        unit="strikes",
        n=strikes,
        breached=True,
        severity=severity,
        why=why,
    )
    known = shop.ledger.incidents(model=version.model)
    for incident, alert in fold([finding], known, model=version.model, at=finding.at):
        told = acted(incident, done) if done not in incident.actions else incident
        named = None if alert is None else replace(alert, labels={**alert.labels, "version": str(version)})
        shop.ledger.put_incident(told, alert=named, actor=shop.actor)
        return told
    return next(one for one in known if (one.check, one.subject) == (CHECK, str(version)))


def due(shop: Shop, counted: dict[str, int]) -> list[tuple[str, int, int]]:
    """Versions with enough strikes since they were last looked at: model, number, strikes.

    Parameters
    ----------
    counted
        Strikes that workers ever counted, by ``"model@number"``; what names no version is left out.
    """
    there = {str(version): version for version in shop.ledger.versions()}
    struck: list[tuple[str, int, int]] = []
    for name, count in counted.items():
        version = there.get(name)
        if version is None:
            continue
        since = count - _handled(shop, version)
        if since < 0:
            settle(shop, version, 0)
            since = count
        if since >= STRIKES:
            struck.append((version.model, version.number, since))
    return struck


def settle(shop: Shop, version: Version, count: int, *, odd: int = 0) -> None:
    """Count strikes from here: a version that somebody puts back starts with none.

    Parameters
    ----------
    odd
        Of the strikes that workers ever counted, those that came of features which callers gave.
    """
    shop.ledger.save_state(_handled_key(version), str(count).encode())
    shop.ledger.save_state(_odd_key(version), str(odd).encode())


def by_callers(shop: Shop, version: Version, *, strikes: int, odd: int) -> bool:
    """Whether every one of its last strikes came of features that callers gave.

    Parameters
    ----------
    strikes
        Since it was last looked at.
    odd
        Those of features that callers gave which workers ever counted.
    """
    before = int(shop.ledger.load_state(_odd_key(version)) or b"0")
    return (odd - before if odd >= before else odd) >= strikes


def _handled(shop: Shop, version: Version) -> int:
    return int(shop.ledger.load_state(_handled_key(version)) or b"0")


def _handled_key(version: Version) -> str:
    return f"strikes/{version}"


def _odd_key(version: Version) -> str:
    return f"strikes/{version}/odd"


def _return(shop: Shop, version: Version, *, why: str) -> int | None:
    """Point to the last good version where this one is live; the number of the one that answers."""
    for _ in range(_TRIES):
        deployed = shop.ledger.deployment(version.model)
        if deployed is None or deployed.live != version.number:
            return None if deployed is None else deployed.live
        target = last_good(deployed, shop.ledger.versions(version.model))
        if target is None:
            return None
        now = shop.clock.now()
        try:
            shop.ledger.deploy(
                version.model, target, expected=deployed.token, at=now, actor=shop.actor, why=f"{version}: {why}"
            )
        except ConflictError:
            continue
        back = shop.ledger.version(version.model, target)
        shop.ledger.set_version_state(back, "stable", at=now, actor=shop.actor, why=f"returned from {version}")
        return target
    raise ConflictError(f"{version.model} is deployed by somebody else again and again; {version} is off all the same")


def _leave_route(shop: Shop, version: Version, *, why: str) -> None:
    rule = shop.ledger.route(version.model)
    kept = replace(
        rule,
        beside=tuple(one for one in rule.beside if one.number != version.number),
        shadow=None if rule.shadow == version.number else rule.shadow,
    )
    shop.ledger.set_route(kept, at=shop.clock.now(), actor=shop.actor, why=f"{version}: {why}")
