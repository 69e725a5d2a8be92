"""Which looks there are, in the order in which they run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType

from finalmile.errors import CorruptError
from finalmile.records import Version
from finalmile.workflows import ready_made
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Seen, Told, state_key

LOOKS: Mapping[str, str] = {
    "loss": "loss",
    "loss_groups": "groups",
    "input_drift": "inputs",
    "output_drift": "outputs",
    "concept_drift": "concept_drift",
    "fva": "fva",
    "coverage": "coverage",
    "lead_time_window": "lead_time",
    "estimated_loss": "estimated_loss",
    "freshness": "freshness",
    "series_drift": "series",
    "fast_lane": "fast_lane",
}
"""Checks, and the modules of this package that watch for them; a module is read in when it is first used."""


def look(name: str, shop: Shop, model: str, seen: Seen) -> Told | None:
    """What the look at one of them tells of a period; ``None`` where it does not apply."""
    told: Told | None = _module(name).watch(shop, model, seen)
    return told


def acknowledge(check: str, shop: Shop, version: Version, subjects: Sequence[str]) -> bool:
    """Let the evidence of a check against some subjects start anew; whether the check keeps any.

    Parameters
    ----------
    check
        As findings name it; loss and bias of groups are told as those of the fleet are.
    """
    names = _WITH.get(check, (check,))
    known = [name for name in names if name in LOOKS or name in _OF_THE_ENDPOINT]
    modules = [module for name in known if hasattr(module := _module(name), "acknowledge")]
    for module in modules:
        with suppress(CorruptError):  # the next look begins such evidence anew by itself
            module.acknowledge(shop, version, subjects)
    return bool(modules)


def carry(shop: Shop, before: Version, after: Version) -> None:
    """Let a version with the same means go on with the evidence of the one before, that of its quantiles excepted."""
    names = [name for name in (*LOOKS, "profile") if name != "coverage"]
    for name in names:
        for start in _PARTS:
            blob = shop.ledger.load_state(f"{start}{state_key(name, before)}")
            if blob is not None:
                shop.ledger.save_state(f"{start}{state_key(name, after)}", blob)


def outlived(shop: Shop, version: Version) -> tuple[str, ...]:
    """Keys of evidence of versions so old that nobody returns to them; one who does learns it again.

    That is every version but the one that is judged now and the newest three others.
    """
    others = [one for one in shop.ledger.versions(version.model) if one.number != version.number]
    old = [one for one in others[:-KEPT] if one.kind != ready_made.KIND]
    return tuple(f"{start}{state_key(name, one)}" for one in old for name in LOOKS for start in _PARTS)


KEPT = 3
"""Versions beside the one that is judged whose evidence is kept."""

_PARTS = ("", "calendar of ", "silent of ")

_WITH = {
    "loss": ("loss", "loss_groups"),
    "bias": ("loss", "loss_groups"),
    "input_drift": ("input_drift", "logged_inputs"),
}
_OF_THE_ENDPOINT = {"logged_inputs": "logged_inputs"}


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{LOOKS.get(name) or _OF_THE_ENDPOINT[name]}")
