"""Cycle: one business day of the real shop, and what a person asks about it."""

from __future__ import annotations

from collections.abc import Sequence

from finalmile.errors import MissingInputError
from finalmile.inventory.stock_book import StockBook
from finalmile.ports import Ledger
from finalmile.records import OrderLine, Version
from finalmile.wording import number_of
from finalmile.workflows import reports, version_reports
from finalmile.workflows.day import business_day
from finalmile.workflows.forecast import predict
from finalmile.workflows.monitor import Watched
from finalmile.workflows.monitored import Monitored
from finalmile.workflows.plan import Proposed, plan, quantities
from finalmile.workflows.promote import rollback_target
from finalmile.workflows.shop import Shop, live_version
from finalmile.workflows.supplier_names import unheard_of

_NAMED = 3


def run_day(shop: Shop, model: str, cutoff: int, *, book: StockBook) -> reports.DayDone:
    """Monitor, respond, retrain when due, forecast, and plan what is due; again for the same day repeats nothing.

    Without stock counts everything but the plan is done, and a note says so.
    """
    every = shop.model(model).retrain_every_days
    day = business_day(shop, model, cutoff, retrain_every=None if every is None else shop.periods(every))
    notes: list[str] = []
    proposed: reports.Planned | None = None
    try:
        proposed = planned(shop, plan(shop, model, book, cutoff=cutoff, due_only=True, told=day.forecast))
    except MissingInputError as missing:
        notes.append(f"No orders were planned: {missing}")
    watched = Watched(findings=day.findings, incidents=day.incidents, looks=day.looks)
    done = reports.DayDone(
        ds=shop.day(cutoff),
        live=str(day.live),
        monitored=monitored(shop.ledger, model, watched),
        steps=day.steps,
        retrained=day.trained,
        forecasted=reports.Forecasted(version=day.live, forecast=day.forecast),
        planned=proposed,
        unplannable=proposed is None and book.counts.height > 0,
        notes=tuple(notes),
    )
    key = f"{model} {shop.day(cutoff)}"
    if shop.ledger.run_done("cycle", key) is None:
        shop.ledger.finish_run("cycle", key, {"live": str(day.live)}, at=shop.clock.now())
    return done


def monitored(ledger: Ledger, model: str, watched: Watched) -> Monitored:
    """The newest findings and every open incident."""
    changed = {incident.incident_id: incident for incident in watched.incidents}
    still_open = {incident.incident_id: incident for incident in ledger.incidents(model=model, open_only=True)}
    note = "" if watched.looks else "Nothing new was judged since the last look."
    return Monitored(
        findings=watched.findings or tuple(ledger.findings(model)),
        incidents=tuple({**changed, **still_open}.values()),
        looks=watched.looks,
        note=note,
        model=model,
    )


def planned(shop: Shop, proposed: Proposed) -> reports.Planned:
    """Proposed lines as a report that says what was left out."""
    notes = unheard_of(shop, cutoff=shop.known.newest)
    if proposed.without_stock:
        notes.append(f"{_some(proposed.without_stock, 'no stock count')}: finalmile ingest stock FILE.")
    if proposed.unplanned:
        notes.append(f"{_some(proposed.unplanned, 'no forecast')}: no model tells how much they sell.")
    if proposed.ordering_is_free and proposed.lines:
        notes.append(
            f"{shop.config.plan.policy} weighs what an order costs, and no item has an order_cost: ordering counts as "
            "free, so little is ordered at a time. Give order_cost in items, or assume: {order_cost: 25}."
        )
    if proposed.too_short:
        first = ", ".join(proposed.too_short[:_NAMED]) + (", ..." if len(proposed.too_short) > _NAMED else "")
        notes.append(
            f"{shop.config.plan.policy} looks less far ahead than the order after this one takes to arrive, for "
            f"{len(proposed.too_short):,} of {proposed.items:,} items ({first}): they run out on the way."
        )
    if proposed.not_stocked:
        notes.append(_not_stocked(proposed.not_stocked, policy=shop.config.plan.policy))
    notes += [bound.sentence(shop.config.currency) for bound in proposed.bounds]
    if proposed.stock:
        first = ", ".join(f"{one.check} of {one.subject}" for one in proposed.stock[:3])
        notes.append(f"The books of stock are wrong in {len(proposed.stock):,} places ({first}): finalmile stock")
    if proposed.waiting:
        notes.append(f"These suppliers take no more orders today, and their items wait: {', '.join(proposed.waiting)}.")
    if proposed.replaced:
        notes.append(_replaced(proposed.replaced))
    if proposed.decided:
        notes.append(_decided(proposed.decided))
    return reports.Planned(
        orders=proposed.lines,
        items=proposed.items,
        unplanned=(*proposed.unplanned, *proposed.without_stock),
        notes=tuple(notes),
        currency=shop.config.currency,
    )


def _some(names: Sequence[str], what: str) -> str:
    first = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    have, were = ("item has", "was") if len(names) == 1 else ("items have", "were")
    return f"{len(names):,} {have} {what} and {were} left out ({first})"


def _replaced(lines: Sequence[OrderLine]) -> str:
    edited = [line for line in lines if line.reason.get("override")]
    first = ", ".join(f"{line.unique_id} {line.quantity:,}" for line in edited[:_NAMED])
    more = f", and {len(edited) - _NAMED:,} more" if len(edited) > _NAMED else ""
    were = "was" if len(lines) == 1 else "were"
    by_hand = f", {len(edited):,} of them edited by hand ({first}{more})" if edited else ""
    return f"{number_of(len(lines), 'proposal')} of before that nobody approved {were} replaced{by_hand}."


def _not_stocked(names: Sequence[str], *, policy: str) -> str:
    first = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    items = (
        "1 item costs more to stock than it brings"
        if len(names) == 1
        else (f"{len(names):,} items cost more to stock than they bring")
    )
    return (
        f"{items} ({first}): {policy} orders none. It weighs unit_price less unit_cost (or shortage_cost), order_cost "
        "and holding_rate_per_year."
    )


def _decided(lines: Sequence[OrderLine]) -> str:
    first = ", ".join(f"{line.unique_id} {line.state}" for line in lines[:_NAMED])
    more = f", and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    items = "1 item is" if len(lines) == 1 else f"{len(lines):,} items are"
    told = f"{items} wanted whose line of this day was decided before and stays ({first}{more})."
    if any(line.state == "cancelled" for line in lines):
        told += " What was cancelled is proposed again from the next day of sales on."
    return told


def live(ledger: Ledger, model: str) -> Version:
    """The live version, after something was done with it."""
    deployed = ledger.deployment(model)
    if deployed is None:
        raise MissingInputError(f"no version of {model!r} is live. Run: finalmile promote {model}")
    return ledger.version(model, deployed.live)


def would_roll_back(shop: Shop, model: str, *, to: int | None, book: StockBook) -> version_reports.Deployed:
    """Where a rollback would lead, and how many order lines it would change."""
    now = live_version(shop, model)
    target = rollback_target(shop, model) if to is None else shop.ledger.version(model, to)
    if target is None:
        raise MissingInputError(f"{now} is the first version of {model!r} that went live: there is none to return to")
    return version_reports.Deployed(
        model=model, live=target.number, before=now.number, dry_run=True,
        order_changes=_order_changes(shop, now, target, book=book),
    )  # fmt: skip


def _order_changes(shop: Shop, now: Version, then: Version, *, book: StockBook) -> int | None:
    """``None`` where there is nothing to order by: no sales, no stock count, or a model that only answers rows."""
    try:
        cutoff = shop.known.newest
        before = quantities(shop, book, told=predict(shop, now, cutoff), cutoff=cutoff)
        after = quantities(shop, book, told=predict(shop, then, cutoff), cutoff=cutoff)
    except MissingInputError:
        return None
    return sum(before.get(item, 0) != after.get(item, 0) for item in {*before, *after})
