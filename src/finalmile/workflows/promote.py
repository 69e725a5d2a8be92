"""Promote and roll back: move the pointer to the live version, guarded by what it was when one decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from finalmile.errors import MissingInputError, NotCertifiedError
from finalmile.records import Deployment, Version
from finalmile.workflows.shop import Shop, live_version, newest_version
from finalmile.workflows.versions import evidence


def promote(
    shop: Shop, model: str, *, number: int | None = None, why: str = "promoted by hand", force: bool = False
) -> Deployment:
    """Make a certified version the live one.

    Parameters
    ----------
    number
        Which version; by default the newest.
    force
        Promote without a certificate that passed, or against a comparison that does not speak for it; the audit says
        so.

    Raises
    ------
    NotCertifiedError
        Without a certificate, or with one that failed; or where a comparison with the live version was begun and did
        not end in "win" or "equal".
    ConflictError
        If somebody else deployed in between.
    """
    version = newest_version(shop, model, number)
    before = shop.ledger.deployment(model)
    if not force:
        _require_certificate(shop, version)
        _require_evidence(shop, version)
    if before is not None and before.live == version.number:
        return _completed(shop, before, why=why)
    now = shop.clock.now()
    reason = f"{why} (forced, whatever certificate and comparison say)" if force else why
    deployed = shop.ledger.deploy(
        model, version.number, expected=before.token if before else None, at=now, actor=shop.actor, why=reason
    )
    if before is not None:
        replaced = shop.ledger.version(model, before.live)
        shop.ledger.set_version_state(replaced, "retired", at=now, actor=shop.actor, why=f"replaced by {version}")
    shop.ledger.set_version_state(version, "stable", at=now, actor=shop.actor, why=reason)
    _answer_alone(shop, [version], why=f"{version} is live")
    return deployed


def rollback(shop: Shop, model: str, *, to: int | None = None, why: str = "rolled back by hand") -> Deployment:
    """Make an earlier version the live one again.

    Parameters
    ----------
    to
        Which version; by default the one that was live before.

    Raises
    ------
    MissingInputError
        If nothing was live before.
    """
    live = live_version(shop, model)
    target = rollback_target(shop, model) if to is None else shop.ledger.version(model, to)
    before = shop.ledger.deployment(model)
    if target is None or before is None:
        raise MissingInputError(f"{live} is the first version of {model!r} that went live: there is none to return to")
    if target.number == live.number:
        return _completed(shop, before, why=why)
    now = shop.clock.now()
    shop.ledger.set_version_state(live, "rolled_back", at=now, actor=shop.actor, why=why)
    deployed = shop.ledger.deploy(model, target.number, expected=before.token, at=now, actor=shop.actor, why=why)
    _answer_alone(shop, [live, target], why=f"{live} was rolled back")
    shop.ledger.set_version_state(target, "stable", at=now, actor=shop.actor, why=f"returned from {live}")
    return deployed


def _completed(shop: Shop, deployed: Deployment, *, why: str) -> Deployment:
    """A deployment that was made before: what was killed right after it moved the pointer is brought to its end."""
    now = shop.clock.now()
    live = shop.ledger.version(deployed.model, deployed.live)
    shop.ledger.set_version_state(live, "stable", at=now, actor=shop.actor, why=why)
    if deployed.previous is not None:
        replaced = shop.ledger.version(deployed.model, deployed.previous)
        if replaced.state == "stable":
            shop.ledger.set_version_state(replaced, "retired", at=now, actor=shop.actor, why=f"replaced by {live}")
    return deployed


def _answer_alone(shop: Shop, versions: Sequence[Version], *, why: str) -> None:
    """End what versions have of the traffic beside the live one: each answers all of it now, or none."""
    model, numbers = versions[0].model, {version.number for version in versions}
    rule = shop.ledger.route(model)
    beside = tuple(one for one in rule.beside if one.number not in numbers)
    if beside != rule.beside:
        shop.ledger.set_route(replace(rule, beside=beside), at=shop.clock.now(), actor=shop.actor, why=why)


def rollback_target(shop: Shop, model: str) -> Version | None:
    """The version that was live before and may be returned to: never one that was itself rolled back from."""
    deployed = shop.ledger.deployment(model)
    if deployed is None or deployed.previous is None:
        return None
    previous = shop.ledger.version(model, deployed.previous)
    return None if previous.state in ("rolled_back", "quarantined") else previous


def _require_certificate(shop: Shop, version: Version) -> None:
    certificate = shop.ledger.certificate(version.model, version.number)
    mend = f"finalmile certify {version}"
    if certificate is None:
        raise NotCertifiedError(f"{version} has no certificate. Run: {mend}")
    if not certificate.passed:
        raise NotCertifiedError(
            f"{version} did not pass: {'; '.join(certificate.reasons)}. Train another, or promote it with --force"
        )


def _require_evidence(shop: Shop, version: Version) -> None:
    """Refuse a version that lost against the live one, or is still being compared with it."""
    told = evidence(shop, version.model, version.number)
    if told is None or told.decision in ("win", "equal"):
        return
    mend = "wait for the next looks" if told.decision != "lose" else "train another"
    raise NotCertifiedError(
        f"{version} is not shown to be as good as the live version: {told.decision}; {told.finding.why} "
        f"Either {mend}, or promote it with --force"
    )
