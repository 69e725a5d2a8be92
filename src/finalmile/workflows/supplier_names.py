"""Suppliers that settings name and no item does: what is said of them changes nothing, which nobody means."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from finalmile.errors import nearest
from finalmile.workflows.shop import Shop

_TOLD = 10
_EVERYBODY = "*"


def unheard_of(shop: Shop, *, cutoff: int) -> list[str]:
    """A sentence for each supplier in ``suppliers`` and ``sending`` that no item names."""
    named = {"suppliers": shop.config.suppliers, "sending": shop.config.sending}
    if not any(named.values()):
        return []
    known = _suppliers(shop, cutoff)
    return [
        f"{section}: no item has the supplier {name!r}, so what is said of it changes nothing.{_meant(name, known)}"
        for section, names in named.items()
        for name in names
        if name not in known and name != _EVERYBODY
    ]


def _suppliers(shop: Shop, cutoff: int) -> Collection[str]:
    items = shop.known.items(cutoff)
    if "supplier_id" not in items.columns:
        return ()
    return {str(name) for name in items["supplier_id"].drop_nulls().unique()}


def _meant(name: str, known: Iterable[str]) -> str:
    suppliers = sorted(known)
    if not suppliers:
        return " Items name their supplier in the column supplier_id: finalmile ingest items FILE."
    close = nearest(name, suppliers)
    if close is not None:
        return f" Did you mean {close!r}?"
    more = f", and {len(suppliers) - _TOLD} more" if len(suppliers) > _TOLD else ""
    return f" Items have: {', '.join(suppliers[:_TOLD])}{more}."
