"""States of checks: read, begun anew where there is none, and told where they cannot be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import orjson

from finalmile.errors import CorruptError, MissingInputError
from finalmile.records import Finding
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Seen

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun(Generic[S]):
    """A state, where there is one, and what is to be said about how it came about."""

    state: S | None
    fresh: bool = False
    findings: tuple[Finding, ...] = ()


def begun(
    shop: Shop, key: str, *, check: str, seen: Seen, read: Callable[[bytes], S], start: Callable[[], S]
) -> Begun[S]:
    """The state under a key, else one that starts from what was normal before.

    A state that an earlier program wrote in another layout, or that is damaged, is learned again, and a finding says
    so. Where too little is known to learn from there is none, and a finding says what is missing.
    """
    blob, said = shop.ledger.load_state(key), tuple[Finding, ...]()
    if blob is not None:
        try:
            _names(shop, key)
            return Begun(state=read(blob))
        except CorruptError as fault:
            said = (_said(shop, check, seen, f"What {check} remembered is learned again: {fault}", warns=True),)
    try:
        return Begun(state=start(), fresh=True, findings=said)
    except MissingInputError as missing:
        return Begun(state=None, findings=(*said, _said(shop, check, seen, f"{check} waits: {missing}.")))


def names_of(shop: Shop, key: str, *, fresh: Callable[[], Sequence[str]], begun: Begun[S]) -> Sequence[str]:
    """Covariates that the evidence under a key knows: those that were there when it began."""
    return fresh() if begun.fresh else _names(shop, key)


def with_names(key: str, blob: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """A state and the covariates that it knows, to be kept together."""
    return {key: blob, _names_key(key): orjson.dumps(list(names))}


def _names(shop: Shop, key: str) -> list[str]:
    """Covariates kept beside a state; evidence is worth nothing where nobody knows what it is of."""
    blob = shop.ledger.load_state(_names_key(key))
    try:
        told: object = [] if blob is None else orjson.loads(blob)
    except orjson.JSONDecodeError as fault:
        raise CorruptError(f"the names of its covariates cannot be read ({fault})") from fault
    if not isinstance(told, list):
        raise CorruptError("the names of its covariates are no list")
    return [str(name) for name in cast("list[object]", told)]


def _names_key(key: str) -> str:
    return f"calendar of {key}"


def _said(shop: Shop, check: str, seen: Seen, why: str, *, warns: bool = False) -> Finding:
    return Finding(
        check=check,
        subject=str(seen.version),
        at=shop.day(seen.period),
        value=None,
        benchmark=None,
        severity="warning" if warns else "info",
        why=why.replace("..", "."),
    )
