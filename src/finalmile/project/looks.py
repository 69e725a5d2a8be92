"""Looks at a project: whether all is well, what there is, and what pages show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from finalmile.project.core import DEFAULT_MODEL, REGISTRIES, Core
from finalmile.workflows import reports
from finalmile.workflows import seal as sealing
from finalmile.workflows.logbook import CUMULATIVE, FORECASTS
from finalmile.workflows.shop import check_model

if TYPE_CHECKING:
    from finalmile.figures.views import Home, Product
    from finalmile.figures.watched import Watched
    from finalmile.monitoring.why import Why
    from finalmile.workflows import outcomes
    from finalmile.workflows.formulas import Worked
    from finalmile.workflows.guarantees import ChecksTold
    from finalmile.workflows.why import Explained


class Looks(Core):
    """What a project says of itself."""

    def check(self) -> reports.Checked:
        """Whether settings and data allow a run, and what is missing."""
        from finalmile.workflows import doctor

        return doctor.check(self.shop, self.tables, folder=self.folder)

    def doctor(self) -> reports.Checked:
        """Whether every file is what was recorded, the audit chain holds, and nothing is left unfinished."""
        from finalmile.workflows import doctor

        names = [history.table for history in self.tables.values()]
        return doctor.doctor(
            self.ledger,
            self.lake,
            self.artefacts,
            tables=[*names, FORECASTS, CUMULATIVE, sealing.PREDICTIONS],
            folder=self.folder,
        )

    def why(
        self,
        incident_id: str | None = None,
        *,
        model: str = DEFAULT_MODEL,
        since: date | None = None,
        until: date | None = None,
    ) -> Why:
        """Why losses changed: those of an incident, of the newest open one of a model, or those of a span."""
        from finalmile.workflows import why

        return why.why(self.shop, incident_id, model=model, since=since, until=until)

    def explained(self, incident_id: str) -> Explained:
        """An incident with why it is open, for a page of its own."""
        from finalmile.workflows import why

        return why.in_full(self.shop, incident_id)

    def what_if(
        self,
        unique_id: str,
        *,
        cycle_service: float | None = None,
        fill_rate: float | None = None,
        lead_time_days: float | None = None,
        review_period_days: float | None = None,
        moq: float | None = None,
        pack_size: float | None = None,
    ) -> outcomes.WhatIf:
        """Service, stock and orders a year of one product now and on other terms; what is not given stays as it is."""
        from finalmile.workflows import what_if as futures

        return futures.what_if(
            self.shop,
            unique_id,
            cycle_service=cycle_service,
            fill_rate=fill_rate,
            lead_time_days=lead_time_days,
            review_period_days=review_period_days,
            moq=moq,
            pack_size=pack_size,
        )

    def frontier(self, *, services: Sequence[float] | None = None, threads: int = 1) -> outcomes.Frontier:
        """What cycle service levels, 0.8 to 0.995 by default, take in stock and give in fill rate, over all items."""
        from finalmile.workflows import what_if as futures

        return futures.frontier(self.shop, services=futures.SERVICES if services is None else services, threads=threads)

    @staticmethod
    def formula(name: str | None = None, given: Mapping[str, str] | None = None) -> Worked:
        """What a formula of inventory gives for numbers as text; what it takes without them; all without a name."""
        from finalmile.workflows.formulas import work_out

        return work_out(name, given or {})

    @staticmethod
    def plugins() -> reports.Plugins:
        """Everything that settings can name."""
        from finalmile.metrics import metrics

        return reports.Plugins.of({**REGISTRIES, "metric": metrics})

    @staticmethod
    def checks() -> ChecksTold:
        """Every check of monitoring: what it watches, and what is promised of it."""
        from finalmile.monitoring.registry import checks
        from finalmile.workflows.guarantees import PROMISES, ChecksTold

        said = {name: ((checks[name].__doc__ or "").strip().splitlines() or [""])[0] for name in checks}
        return ChecksTold(rows=tuple((name, what, PROMISES.get(name)) for name, what in said.items()))

    def watched(self, model: str | None = None) -> Watched:
        """What the page of monitoring shows of a model; of the first one of the settings by default."""
        from finalmile.workflows import watched_view

        name = model or next(iter(self.config.models))
        check_model(self.ledger, name, also=self.config.models)
        return watched_view.monitoring(self.shop, name, folder=self.folder)

    def home(self) -> Home:
        """What the first page shows."""
        from finalmile.workflows import views

        return views.home(self.shop, self.tables, folder=self.folder, name=self.folder.resolve().name)

    def product(self, unique_id: str) -> Product:
        """What the page of one product shows."""
        from finalmile.workflows import views

        return views.product(self.shop, self.tables, unique_id)
