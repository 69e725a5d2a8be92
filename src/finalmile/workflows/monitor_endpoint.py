"""Looks at what the endpoint logged since the last look, and at versions that are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from finalmile.ports import Lake
from finalmile.records import LookKept
from finalmile.workflows import parity, versions
from finalmile.workflows.agreement import watch_agreement
from finalmile.workflows.deliver import deliver
from finalmile.workflows.looked import folded
from finalmile.workflows.monitor import Watched
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching import logged_inputs, speed
from finalmile.workflows.watching.guard import failed, halt
from finalmile.workflows.watching.seen import Told


def monitor_endpoint(
    shop: Shop,
    lake: Lake,
    model: str,
    *,
    features: Sequence[parity.Offline] = (),
    answers: Sequence[parity.Offline] = (),
) -> Watched:
    """Compare logged features and answers with those known offline, and speed and errors with the certificate.

    Features are also held against those of the days before: what callers give is known nowhere else.

    What is found opens incidents as that of a day does. The same rows again are not looked at. What is fine is not
    kept, so that a quiet hour leaves no trace.

    Parameters
    ----------
    features, answers
        Where features, and answers of versions that have none, are known offline; the first that knows counts.
    """
    looks: Mapping[str, Callable[[], Told]] = {
        "parity": lambda: parity.look(shop, lake, model, features=features, answers=answers),
        speed.NAME: lambda: speed.look(shop, lake, model),
        logged_inputs.NAME: lambda: logged_inputs.look(shop, lake, model),
        "champion": lambda: Told(findings=tuple(versions.watch(shop, model, shop.known.newest, lake=lake))),
        "agreement": lambda: _agreement(shop, lake, model),
    }
    try:
        return _looked(shop, model, [_guarded(shop, name, look) for name, look in looks.items()])
    finally:
        deliver(shop)


def _looked(shop: Shop, model: str, told: Sequence[Told]) -> Watched:
    """Keep what the looks found, at once."""
    now = shop.clock.now()
    # Looks at sales share names of checks with these, and their days may lie weeks before now.
    incidents = folded(shop, model, [finding for one in told for finding in one.findings], at=now, whole=False)
    findings = (*(finding for one in told for finding in one.findings), *incidents.findings)
    worth = tuple(finding for finding in findings if finding.severity != "info")
    states = {key: blob for one in told for key, blob in one.states.items()} | dict(incidents.states)
    if worth or incidents.changed or states:
        kept = LookKept(
            run=f"endpoint {now.isoformat()}" if worth else None,
            findings=worth,
            incidents=incidents.changed,
            states=states,
        )
        shop.ledger.keep_look(kept, model=model, at=now, actor=shop.actor)
    return Watched(findings=findings, incidents=tuple(incident for incident, _ in incidents.changed))


def _agreement(shop: Shop, lake: Lake, model: str) -> Told:
    """How far the live version is from the last good one: told, and no incident, for versions are meant to differ."""
    found = watch_agreement(shop, model, shop.known.newest, lake=lake)
    return Told(findings=tuple(replace(one, breached=False) if one.unit != "share of rows" else one for one in found))


def _guarded(shop: Shop, name: str, look: Callable[[], Told]) -> Told:
    try:
        return look()
    except Exception as fault:
        halt(fault)
        return Told(findings=(failed(name, fault, at=shop.clock.now()),))
