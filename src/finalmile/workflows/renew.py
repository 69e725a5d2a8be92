"""Renew: train, certify and promote in one go."""

from __future__ import annotations

from finalmile.errors import NotCertifiedError
from finalmile.ports import forecasters
from finalmile.records import Certificate, Version
from finalmile.workflows.certify import certify
from finalmile.workflows.promote import promote
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.train import keep, load_version, sales_at, train
from finalmile.workflows.watching.looks import carry


def renew(shop: Shop, model: str, cutoff: int, *, why: str) -> Certificate:
    """Train, certify, and promote if the certificate passed; the certificate says why not."""
    return _judge_and_promote(shop, train(shop, model, cutoff=cutoff), why=why)


def _judge_and_promote(shop: Shop, version: Version, *, why: str) -> Certificate:
    certificate = certify(shop, version.model, number=version.number)
    try:
        promote(shop, version.model, number=version.number, why=why)
    except NotCertifiedError:
        return certificate
    return certificate


def recalibrated(shop: Shop, model: str, cutoff: int, *, why: str) -> Version:
    """The live version with its quantiles measured again on what is known at a cutoff, live in its place.

    Its means are the same, so no certificate is asked for, and what is known of their losses stays known.
    """
    live = live_version(shop, model)
    fitted = load_version(shop, live).recalibrate(sales_at(shop, cutoff, ahead=shop.horizon(model)))
    version = shop.ledger.new_version(
        model=model,
        kind=live.kind,
        digest=keep(shop, fitted),
        cutoff=shop.day(cutoff),
        settings=live.settings,
        at=shop.clock.now(),
        actor=shop.actor,
    )
    carry(shop, live, version)
    promote(shop, model, number=version.number, why=why, force=True)
    return version


def retrain_when_due(shop: Shop, model: str, cutoff: int, *, every: int | None) -> tuple[Certificate, ...]:
    """Renew where the newest version of the model's recipe learned its last ``every`` periods ago or earlier."""
    if every is None:
        return ()
    recipe = shop.model(model).forecaster
    trained = [one for one in shop.ledger.versions(model) if one.kind == recipe]
    if not trained:
        return ()
    newest = max(trained, key=lambda one: one.number)
    if newest.state == "trained" and shop.ledger.certificate(model, newest.number) is None and len(trained) > 1:
        return (_judge_and_promote(shop, newest, why="trained before and never judged"),)
    if cutoff - shop.frequency.index_of(newest.cutoff) < every:
        return ()
    return (renew(shop, model, cutoff, why=f"retrained every {every} periods"),)


def fallback_version(shop: Shop, model: str, cutoff: int) -> Version:
    """A version of the model's cheap baseline: the newest there is, else one that is made now."""
    kind = shop.model(model).fallback
    made = [version for version in shop.ledger.versions(model) if version.kind == kind]
    if made:
        return made[-1]
    return train(shop, model, recipe=forecasters.make(kind), cutoff=cutoff)
