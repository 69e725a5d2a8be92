"""Doctor: whether settings and data allow a run, and whether everything kept is as it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from finalmile.errors import FinalMileError, MissingInputError
from finalmile.frames.dialects import Kind
from finalmile.ports import Artefacts, HistoryTable, Ledger, deliveries
from finalmile.workflows.reports import Checked
from finalmile.workflows.shop import Shop
from finalmile.workflows.supplier_names import unheard_of
from finalmile.workflows.terms import positions


class Verifiable(Protocol):
    """Something that can read a whole table and say what is damaged."""

    def verify(self, table: str, /) -> int:
        """Segments that were read; ``CorruptError`` names the first damaged one."""
        ...


def check(shop: Shop, tables: Mapping[Kind, HistoryTable], *, folder: Path) -> Checked:
    """What is there, and what a day of the whole operation would miss."""
    facts, faults = [f"Project {folder}: settings are valid."], _ways(shop, folder)
    for kind, table in tables.items():
        rows = table.read(columns=["unique_id"])
        if rows.height:
            facts.append(f"{kind}: {rows.height:,} rows of {rows['unique_id'].n_unique():,} ids.")
    try:
        facts.append(f"Sales are {shop.frequency}, up to {shop.day(shop.known.newest)}.")
    except MissingInputError as missing:
        faults.append(str(missing))
        return Checked(facts=tuple(facts), faults=tuple(faults))
    for model in shop.config.models:
        deployed = shop.ledger.deployment(model)
        if deployed is None:
            faults.append(f"model {model!r} has no live version: finalmile train {model}, certify, promote")
        else:
            facts.append(f"{model}@{deployed.live} is live.")
    if tables["stock"].read(columns=["unique_id"]).is_empty():
        facts.append("No stock counts: forecasts and monitoring work, orders do not (finalmile ingest stock FILE).")
    else:
        faults += _terms(shop)
    faults += unheard_of(shop, cutoff=shop.known.newest)
    return Checked(facts=tuple(facts), faults=tuple(faults))


def _ways(shop: Shop, folder: Path) -> list[str]:
    """What stands in the way of orders to suppliers, by what the settings say of each."""
    return [
        f"sending to {supplier}: {obstacle}"
        for supplier, sending in shop.config.sending.items()
        for obstacle in deliveries.make(sending.by, **sending.settings).obstacles(folder)
    ]


def _terms(shop: Shop) -> list[str]:
    """What stands in the way of orders, though stock was counted."""
    panel = shop.known.panel(shop.known.newest, periods=1)
    try:
        positions(shop, panel, on_hand=np.zeros(panel.n))
    except MissingInputError as missing:
        return [str(missing)]
    return []


def doctor(ledger: Ledger, lake: Verifiable, artefacts: Artefacts, *, tables: Sequence[str], folder: Path) -> Checked:
    """Every file against its checksum, every version's artefact, and the audit chain."""
    facts, faults = [f"Project {folder}."], list[str]()
    for table in tables:
        faults += _fault(table, partial(lake.verify, table))
    facts.append(f"{len(tables)} tables were read and compared with their checksums.")
    for version in ledger.versions():
        faults += _fault(f"{version}", partial(artefacts.path, version.digest))
    facts.append(f"{len(ledger.versions())} versions were checked against their digests.")
    faults += _fault("audit", ledger.verify_audit)
    facts.append(f"{len(ledger.audit_rows()):,} audit rows were chained through.")
    return Checked(facts=tuple(facts), faults=tuple(faults))


def _fault(what: str, look: Callable[[], object]) -> list[str]:
    try:
        look()
    except FinalMileError as error:
        return [f"{what}: {error}"]
    return []
