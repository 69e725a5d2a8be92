"""Realised loss of the fleet and of every product."""

from __future__ import annotations

from collections.abc import Sequence

from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossState
from finalmile.records import Finding, Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.references import before, loss_look
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "loss"


def watch(shop: Shop, model: str, seen: Seen) -> Told:
    """Judge a period by the evidence of its version, which starts from the version's reference."""
    del model
    check, key = check_of(shop), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=LossState.from_bytes,
        start=lambda: check.start(before(shop, seen).loss),
    )
    if found.state is None:
        return Told(findings=(_unwatched(shop, seen),))
    names = names_of(shop, key, fresh=lambda: before(shop, seen).names, begun=found)
    state = check.resume(found.state, last=seen.period - 1) if seen.returned else found.state
    state, findings = check.update(state, loss_look(seen, names=names))
    return Told(findings=(*found.findings, *findings), states=with_names(key, state.to_bytes(), names))


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against subjects of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(LossState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop) -> LossCheck:
    """The loss check with this project's settings."""
    rules = shop.config.monitor
    return LossCheck(
        arl=rules.arl,
        warning_arl=rules.warning_arl,
        fleet_tolerance=rules.fleet_tolerance,
        product_tolerance=rules.product_tolerance,
        fdr=rules.fdr,
        patience=shop.periods(rules.patience_days),
    )


def _unwatched(shop: Shop, seen: Seen) -> Finding:
    return Finding(
        check=NAME,
        subject="fleet",
        at=shop.day(seen.period),
        value=None,
        benchmark=None,
        severity="warning",
        why=f"{seen.version} cannot be judged: fewer than 20 periods of forecasts it had not learned from have come "
        "true.",
    )
