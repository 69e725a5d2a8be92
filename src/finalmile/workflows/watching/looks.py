"""Which looks there are, in the order in which they run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType

from finalmile.records import Version
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
    "estimated_loss": "estimated_loss",
    "freshness": "freshness",
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
    modules = [module for name in names if name in LOOKS and hasattr(module := _module(name), "acknowledge")]
    for module in modules:
        module.acknowledge(shop, version, subjects)
    return bool(modules)


def carry(shop: Shop, before: Version, after: Version) -> None:
    """Let a version with the same means go on with the evidence of the one before, that of its quantiles excepted."""
    names = [name for name in (*LOOKS, "profile") if name != "coverage"]
    for name in names:
        for start in ("", "calendar of "):
            blob = shop.ledger.load_state(f"{start}{state_key(name, before)}")
            if blob is not None:
                shop.ledger.save_state(f"{start}{state_key(name, after)}", blob)


_WITH = {"loss": ("loss", "loss_groups"), "bias": ("loss", "loss_groups")}


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{LOOKS[name]}")
