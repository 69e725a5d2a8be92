"""Realised loss of groups of products: categories, regions, whatever the items say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from finalmile.frames import NameArray
from finalmile.monitoring.checks.loss_groups import LossGroupsCheck
from finalmile.monitoring.loss.grouped import GroupState
from finalmile.records import Finding, Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.references import Before, before, loss_look
from finalmile.workflows.watching.seen import Seen, Told, state_key
from finalmile.workflows.watching.silent import ended, silenced

NAME = "loss_groups"
_STRICTER = 4  # than the list of products, of which nobody is woken
_LEAST_MEMBERS = 8
"""Series that groups of an attribute have on average: with fewer they are single products under another name."""


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Judge a period of every group; nothing where no attribute of the items is to be grouped by."""
    del model
    wanted = _wanted(shop, seen)
    if not wanted:
        return None
    check, key = check_of(shop), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=GroupState.from_bytes,
        start=lambda: check.start(before(shop, seen).loss, groups=_before(before(shop, seen), wanted)),
    )
    if found.state is None:
        return Told(findings=found.findings)
    names = names_of(shop, key, fresh=lambda: before(shop, seen).names, begun=found)
    state = check.resume(found.state, last=seen.period - 1) if seen.returned else found.state
    groups = {name: seen.attribute(name) for name in wanted}
    silent = silenced(shop, key, quiet=_quiet(state, seen))
    state = check.acknowledge(state, silent.over)
    state, findings = check.update(state, loss_look(seen, names=names), groups=groups)
    findings = ended(findings, checks=("loss", "bias"), over=silent.over, seen=seen)
    told = (*found.findings, *findings, *_calm(shop, seen, state, findings))
    return Told(findings=told, states={**with_names(key, state.to_bytes(), names), **silent.states})


def _quiet(state: GroupState, seen: Seen) -> list[str]:
    """Groups in alarm that this look has no sales or no forecast of."""
    alarmed = np.flatnonzero((state.streams.alarm >= 0).reshape(-1, 2).any(axis=1))
    judged = np.isfinite(seen.actual) & np.isfinite(seen.told.mean)
    if not len(alarmed) or not judged.any():
        return []
    pairs = [(str(state.attribute[at]), str(state.name[at])) for at in alarmed.tolist()]
    there = {name: {str(one) for one in seen.attribute(name)[judged].tolist()} for name in {one for one, _ in pairs}}
    return [f"{attribute} {name}" for attribute, name in pairs if name not in there[attribute]]


def _calm(shop: Shop, seen: Seen, state: GroupState, findings: Sequence[Finding]) -> list[Finding]:
    """Groups with an incident that no finding speaks of any more: what recovery is counted by."""
    told = {(one.check, one.subject) for one in findings}
    known = {f"{a} {name}" for a, name in zip(state.attribute.tolist(), state.name.tolist(), strict=True)}
    if not np.isfinite(seen.actual).any():
        return []
    return [
        Finding(
            check=one.check,
            subject=one.subject,
            at=shop.day(seen.period),
            value=0.0,
            benchmark=0.0,
            unit="groups in alarm",
            why=f"{one.subject} stands out no more.",
        )
        for one in shop.ledger.incidents(model=seen.version.model, open_only=True)
        if one.subject in known and one.check in ("loss", "bias") and (one.check, one.subject) not in told
    ]


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence against groups of a version start anew."""
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(GroupState.from_bytes(blob), subjects).to_bytes())


def check_of(shop: Shop) -> LossGroupsCheck:
    """The check with this project's settings."""
    rules = shop.config.monitor
    patience = shop.periods(_STRICTER * rules.patience_days)
    return LossGroupsCheck(tolerance=rules.product_tolerance, fdr=rules.fdr, patience=patience)


def _wanted(shop: Shop, seen: Seen) -> Sequence[str]:
    """Attributes to group by: those of the settings, else those with as many values as the check takes."""
    named, statics, check = shop.config.monitor.groups, seen.here.statics, check_of(shop)
    if named is not None:
        return [name for name in named if name in statics]
    counts = {name: len(set(values.tolist()) - {""}) for name, values in statics.items()}
    most = min(check.most_groups, seen.here.n // _LEAST_MEMBERS)
    return [name for name, count in counts.items() if check.least_groups <= count <= most]


def _before(told: Before, wanted: Sequence[str]) -> dict[str, NameArray]:
    empty = np.full(len(told.loss.ids), "", dtype=object)
    groups = told.groups
    return {name: groups.get(name, empty) for name in wanted}
