"""Realised loss of the fleet and of every product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.monitoring.checks.loss import LossCheck
from finalmile.monitoring.loss.state import LossState
from finalmile.records import Finding, Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.references import before, loss_look
from finalmile.workflows.watching.seen import Seen, Told, state_key
from finalmile.workflows.watching.silent import LOOKS, silenced

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
    silent = silenced(shop, key, quiet=_quiet(state, seen))
    state, findings = check.update(check.acknowledge(state, silent.over), loss_look(seen, names=names))
    told = (*found.findings, *findings, *_delisted(shop, seen, silent.over))
    return Told(findings=told, states={**with_names(key, state.to_bytes(), names), **silent.states})


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


def _quiet(state: LossState, seen: Seen) -> list[str]:
    """Products in alarm that this look has no sales or no forecast of."""
    judged = np.isfinite(seen.actual) & np.isfinite(seen.told.mean)
    listed = state.ids[state.listed >= 0]
    here = set(seen.ids[judged].tolist()) if len(listed) and judged.any() else set(listed.tolist())
    return [f"product {name}" for name in listed.tolist() if name not in here]


def _delisted(shop: Shop, seen: Seen, over: Sequence[str]) -> list[Finding]:
    if not over:
        return []
    names = ", ".join(one.removeprefix("product ") for one in over[:5])
    more = f" and {len(over) - 5} more" if len(over) > 5 else ""
    return [
        Finding(
            check=NAME,
            subject="products without data",
            at=shop.day(seen.period),
            value=float(len(over)),
            benchmark=0.0,
            unit="products",
            n=LOOKS,
            why=f"Nothing was known of {names}{more} in {LOOKS} looks: delisted, or no longer sent. They are in alarm "
            "no longer.",
        )
    ]


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
