"""Forecast value added: is the version still better than the baseline."""

from __future__ import annotations

from collections.abc import Sequence

from finalmile.monitoring.checks.fva import FvaCheck, FvaState
from finalmile.records import Version
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.kept import begun, names_of, with_names
from finalmile.workflows.watching.paired import paired_before, paired_look, rule_of
from finalmile.workflows.watching.references import before
from finalmile.workflows.watching.seen import Seen, Told, state_key

NAME = "fva"


def watch(shop: Shop, model: str, seen: Seen) -> Told | None:
    """Hold losses of a period against those of the baseline; nothing where the baseline is no rule, or is live."""
    del model
    if rule_of(shop) is None or seen.version.kind == shop.config.certify.baseline:
        return None
    check, key = check_of(shop), state_key(NAME, seen.version)
    found = begun(
        shop,
        key,
        check=NAME,
        seen=seen,
        read=FvaState.from_bytes,
        start=lambda: check.start(paired_before(shop, seen)),
    )
    if found.state is None:
        return Told(findings=found.findings)
    names = names_of(shop, key, fresh=lambda: before(shop, seen).names, begun=found)
    state = check.resume(found.state, last=seen.period - 1) if seen.returned else found.state
    state, findings = check.update(state, paired_look(shop, seen, names=names))
    return Told(findings=(*found.findings, *findings), states=with_names(key, state.to_bytes(), names))


def acknowledge(shop: Shop, version: Version, subjects: Sequence[str]) -> None:
    """Let the evidence of a version start anew."""
    del subjects
    key = state_key(NAME, version)
    blob = shop.ledger.load_state(key)
    if blob is not None:
        shop.ledger.save_state(key, check_of(shop).acknowledge(FvaState.from_bytes(blob)).to_bytes())


def check_of(shop: Shop) -> FvaCheck:
    """The check with this project's settings."""
    return FvaCheck(arl=shop.config.monitor.arl)
