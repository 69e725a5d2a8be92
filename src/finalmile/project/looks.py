"""Looks at a project: whether all is well, what there is, and what pages show."""

from __future__ import annotations

from finalmile.figures.views import Home, Product
from finalmile.project.core import REGISTRIES, Core
from finalmile.workflows import doctor, reports, views
from finalmile.workflows import seal as sealing
from finalmile.workflows.logbook import CUMULATIVE, FORECASTS


class Looks(Core):
    """What a project says of itself."""

    def check(self) -> reports.Checked:
        """Whether settings and data allow a run, and what is missing."""
        return doctor.check(self.shop, self.tables, folder=self.folder)

    def doctor(self) -> reports.Checked:
        """Whether every file is what was recorded, the audit chain holds, and nothing is left unfinished."""
        names = [history.table for history in self.tables.values()]
        return doctor.doctor(
            self.ledger,
            self.lake,
            self.artefacts,
            tables=[*names, FORECASTS, CUMULATIVE, sealing.PREDICTIONS],
            folder=self.folder,
        )

    @staticmethod
    def plugins() -> reports.Plugins:
        """Everything that settings can name."""
        from finalmile.metrics import metrics

        return reports.Plugins.of({**REGISTRIES, "metric": metrics})

    def home(self) -> Home:
        """What the first page shows."""
        return views.home(self.shop, self.tables, folder=self.folder, name=self.folder.resolve().name)

    def product(self, unique_id: str) -> Product:
        """What the page of one product shows."""
        return views.product(self.shop, self.tables, unique_id)
