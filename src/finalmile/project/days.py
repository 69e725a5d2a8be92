"""Days of a project: forecast, monitor, plan, order."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from finalmile.inventory import Policy
from finalmile.inventory.policies import policies
from finalmile.monitoring.registry import checks as registered
from finalmile.project.core import DEFAULT_MODEL
from finalmile.project.settling import Settling
from finalmile.records import Incident
from finalmile.workflows import reports
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.monitored import Monitored
from finalmile.workflows.shop import Shop, known_cutoff, live_version, newest_version

if TYPE_CHECKING:
    from finalmile.workflows import stock
    from finalmile.workflows.incidents import IncidentShown, IncidentsTold
    from finalmile.workflows.monitor import Watched


class Days(Settling):
    """What is done every day."""

    def forecast(self, model: str = DEFAULT_MODEL) -> reports.Forecasted:
        """Forecast from the newest sales with the live version, and log it."""
        from finalmile.workflows import cycle, forecast, materialise

        with self._writing(f"forecast {model}"):
            told = forecast.forecast(self.shop, model)
            materialise.materialise(self.shop, live_version(self.shop, model), self.folder / SERVING, told=told)
            return reports.Forecasted(version=cycle.live(self.ledger, model), forecast=told)

    def monitor(self, model: str = DEFAULT_MODEL, *, checks: Collection[str] = (), gate: bool = False) -> Monitored:
        """Judge what came true since the last look; incidents that are open are told too.

        Parameters
        ----------
        checks
            Tell of these alone; all of them are run.
        gate
            Count a breached finding as a breach, and not only an open incident; so does that nothing was judged.

        Raises
        ------
        UnknownNameError
            No check is called so.
        """
        from finalmile.workflows import cycle
        from finalmile.workflows.incidents import CHECKED_TOO
        from finalmile.workflows.monitor import joined, monitor

        for name in checks:
            if name not in CHECKED_TOO:
                registered[name]
        with self._writing(f"monitor {model}"):
            newest_version(self.shop, model)
            watched = joined(monitor(self.shop, model, self.shop.known.newest), self._endpoint(model))
            told = cycle.monitored(self.ledger, model, watched)
            told = told.only(checks) if checks else told
            return told.gate(at=self.shop.day(self.shop.known.newest)) if gate else told

    def acknowledge(self, incident_id: str, *, why: str) -> Incident:
        """Say that somebody looks after an incident; evidence of its subject starts anew."""
        from finalmile.workflows.incidents import acknowledge_incident

        with self._writing(f"acknowledge {incident_id}"):
            return acknowledge_incident(self.shop, incident_id, why=why)

    def resolve(self, incident_id: str, *, why: str) -> Incident:
        """Say that an incident is over; evidence of its subject starts anew."""
        from finalmile.workflows.incidents import resolve_incident

        with self._writing(f"resolve {incident_id}"):
            return resolve_incident(self.shop, incident_id, why=why)

    def incidents(self, model: str | None = None, *, open_only: bool = True) -> IncidentsTold:
        """Incidents, newest first; where there never was one, how many the newest replay tells of."""
        from finalmile.workflows.incidents import IncidentsTold
        from finalmile.workflows.views import replayed_alarms

        rows = tuple(self.ledger.incidents(model=model, open_only=open_only))
        played = "" if rows or self.ledger.incidents() else replayed_alarms(self.folder)
        return IncidentsTold(rows=rows, every=not open_only, played=played)

    def incident(self, incident_id: str) -> IncidentShown:
        """One incident in full; ``UnknownNameError`` where there is none of that id."""
        from finalmile.workflows.incidents import IncidentShown, find

        return IncidentShown(incident=find(self.ledger, incident_id))

    def plan(self, model: str = DEFAULT_MODEL, *, policy: Policy | None = None) -> reports.Planned:
        """Propose orders for every item with a stock count, by the settings' policy or another; nothing is sent."""
        from finalmile.workflows import cycle
        from finalmile.workflows.plan import plan as make_plan

        with self._writing(f"plan {model}"):
            self._settle()
            shop = self.shop if policy is None else _ordering_by(self.shop, policy)
            return self._with_old_counts(
                cycle.planned(shop, make_plan(shop, model, self._book())), known_cutoff(shop, None)
            )

    def stock_book(self, product: str | None = None) -> stock.StockTold:
        """What is on hand and on its way at the end of the newest sales, each unit once, and where the books are wrong.

        Raises
        ------
        MissingInputError
            Where nothing was counted.
        UnknownNameError
            Where no item that is counted is called so.
        """
        from finalmile.workflows import stock

        return stock.stock(self.shop, self._book(), product=product)

    def run_day(self, at: date | None = None, *, model: str = DEFAULT_MODEL) -> reports.DayDone:
        """One business day: monitor, respond, retrain when due, forecast, plan. Again the same day repeats nothing."""
        from finalmile.workflows import cycle

        with self._writing(f"run {model}"):
            self._settle()
            shop = self.shop
            cutoff = known_cutoff(shop, None if at is None else shop.frequency.index_of(at))
            seen = self._endpoint(model).findings
            done = cycle.run_day(shop, model, cutoff, book=self._book())
            done = replace(done, monitored=replace(done.monitored, findings=(*done.monitored.findings, *seen)))
            self._look_up_online(model, cutoff)
            if done.planned is None:
                return done
            planned = self._with_old_counts(done.planned, cutoff)
        return replace(done, planned=replace(planned, notes=(*planned.notes, *self._sent_unasked())))

    def _with_old_counts(self, planned: reports.Planned, cutoff: int) -> reports.Planned:
        """The plan, with a note where it stands on stock that nobody has counted for long."""
        from finalmile.workflows import counts

        note = counts.old_counts(
            self.tables["stock"].read(),
            self.tables["items"].read(),
            day=self.shop.day(cutoff),
            review_period_days=self.config.plan.review_period_days,
        )
        return planned if note is None else replace(planned, notes=(*planned.notes, note))

    def _endpoint(self, model: str) -> Watched:
        """What the endpoint's log says; a log that cannot be read is a finding and stops no day."""
        from finalmile.workflows import parity
        from finalmile.workflows.monitor import Watched
        from finalmile.workflows.monitor_endpoint import monitor_endpoint
        from finalmile.workflows.watching.guard import could_not, halt, said

        try:
            self._sealed()
        except Exception as fault:
            halt(fault)
            why = f"The log of predictions cannot be read ({said(fault)}), so nothing is said of the endpoint."
            return Watched(findings=(could_not("monitor", why, at=self.shop.clock.now()),))
        return monitor_endpoint(
            self.shop,
            self.lake,
            model,
            features=[parity.FeatureTables(self.folder / SERVING)],
            answers=[parity.LoggedForecasts(self.shop)],
        )


def _ordering_by(shop: Shop, policy: Policy) -> Shop:
    """The same shop, ordering by another policy."""
    settings: dict[str, object] = (
        dataclasses.asdict(policy) if dataclasses.is_dataclass(policy) and not isinstance(policy, type) else {}
    )
    rules = shop.config.plan.model_copy(update={"policy": policies.name_of(policy), "settings": settings})
    return replace(shop, config=shop.config.model_copy(update={"plan": rules}))
