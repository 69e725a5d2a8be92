"""Agreement: does the live version say of the same rows what the last good one would, before any sales are known."""

from __future__ import annotations

import numpy as np

from finalmile.errors import CorruptError
from finalmile.frames import IntArray, NameArray
from finalmile.monitoring.checks.agreement import AgreementCheck, AgreementState
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.versions.agreement import AgreementLook, agreement_look
from finalmile.ports import Lake
from finalmile.records import Finding, Version
from finalmile.workflows.endpoint import last_good
from finalmile.workflows.paired_losses import one_step, shadow_rows
from finalmile.workflows.shop import Issued, Shop

_MOST_LOOKS = 28


def watch_agreement(shop: Shop, model: str, cutoff: int, *, lake: Lake | None = None) -> list[Finding]:
    """Hold what the live version says of each period up to the next one beside what the last good version says.

    Rows that the endpoint answered, and the last good version scored again, count where there are any; else both
    forecast from the same cutoffs. Nothing where no other version was good. The same looks again find nothing.
    """
    check = AgreementCheck()
    pair = _pair(shop, model)
    if pair is None:
        return []
    old, new = pair
    first = max(cutoff + 2 - _MOST_LOOKS, shop.frequency.index_of(new.cutoff) + 1)
    state = _state(shop, check, old, new, first=first)
    found: list[Finding] = []
    for period in range(state.last + 1, cutoff + 2):
        look = _look(shop, lake, old, new, period, tolerance=check.tolerance)
        state, findings = check.update(state, look)
        found = findings or found
    shop.ledger.save_state(_key(old, new), state.to_bytes())
    return found


def _pair(shop: Shop, model: str) -> tuple[Version, Version] | None:
    deployed = shop.ledger.deployment(model)
    if deployed is None:
        return None
    good = last_good(deployed, shop.ledger.versions(model))
    if good is None or good == deployed.live:
        return None
    return shop.ledger.version(model, good), shop.ledger.version(model, deployed.live)


def _look(shop: Shop, lake: Lake | None, old: Version, new: Version, period: int, *, tolerance: float) -> AgreementLook:
    if lake is not None:
        rows = shadow_rows(shop, lake, old, new, first=period, last=period)
        if rows.height:
            told = [rows[name].cast(float).to_numpy() for name in ("champion", "challenger")]
            return agreement_look(period, told[0], told[1], tolerance=tolerance)
    issued = [one_step(shop, version, period) for version in (old, new)]
    ids, before, after = _aligned(*issued)
    return agreement_look(period, before, after, tolerance=tolerance, series=ids)


def _aligned(old: Issued | None, new: Issued | None) -> tuple[IntArray, Doubles, Doubles]:
    """Both versions' answers by series; a version that said nothing at all leaves nothing to hold beside it."""
    there = [one for one in (old, new) if one is not None]
    names: NameArray = np.unique(np.concatenate([one.ids for one in there])) if len(there) == 2 else np.empty(0, object)
    wide: list[Doubles] = []
    for one in there if len(there) == 2 else ():
        values = np.full(len(names), np.nan)
        values[np.searchsorted(names, one.ids)] = one.mean
        wide.append(values)
    nothing: Doubles = np.empty(0)
    before, after = wide if len(wide) == 2 else (nothing, nothing)
    return np.arange(len(names), dtype=np.int64), before, after


def _state(shop: Shop, check: AgreementCheck, old: Version, new: Version, *, first: int) -> AgreementState:
    blob = shop.ledger.load_state(_key(old, new))
    if blob is not None:
        try:
            return AgreementState.from_bytes(blob)
        except CorruptError:
            pass  # of another layout: it is learned again
    return check.begin(new.model, frequency=shop.frequency, old=old.number, new=new.number, first=first)


def _key(old: Version, new: Version) -> str:
    return f"agreement/{new.model}/{new.number}/{old.number}"
