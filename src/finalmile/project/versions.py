"""Versions of a project: train or register one, judge it, put it live, return from it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finalmile.config.reading import FILE_NAME
from finalmile.errors import MissingInputError, UnknownNameError
from finalmile.ports import Forecaster, Progress, forecasters
from finalmile.project.core import DEFAULT_MODEL, Core
from finalmile.records import Json

if TYPE_CHECKING:
    from finalmile.workflows import version_comparisons, version_reports
    from finalmile.workflows.offer import Registration


class TrainedVersion:
    """A version that was just trained, ready to be judged and to go live."""

    breached = False

    def __init__(self, project: Versions, report: version_reports.Trained) -> None:
        self._project, self.report, self.version = project, report, report.version

    def __str__(self) -> str:
        return str(self.version)

    def certify(self) -> version_reports.Certified:
        """Judge it on periods its recipe had not seen."""
        return self._project.certify(self.version.model, self.version.number)

    def promote(self, *, why: str = "by hand", force: bool = False) -> version_reports.Deployed:
        """Make it the live one."""
        return self._project.promote(self.version.model, self.version.number, why=why, force=force)

    def lines(self) -> list[str]:
        """What was trained, on what, and what to do next."""
        return self.report.lines()

    def to_dict(self) -> Json:
        """Version, series, notes."""
        return self.report.to_dict()


class Versions(Core):
    """Versions, from their making to the end of their time."""

    def train(
        self,
        model: str = DEFAULT_MODEL,
        forecaster: str | Forecaster | None = None,
        *,
        cutoff: date | None = None,
        new: bool = False,
        progress: Progress | None = None,  # noqa: ARG002  # fits report nothing yet
    ) -> TrainedVersion:
        """Fit a recipe on everything known and keep it as the model's next version.

        Parameters
        ----------
        forecaster
            A recipe or its registered name; by default what the settings name for this model.
        cutoff
            Last day to learn from.
        new
            A name that neither the settings nor another version knows is a new model, not a slip.

        Raises
        ------
        MissingInputError
            Where there are no sales, or the name of the model looks like a slip.
        """
        from finalmile.workflows import train, version_reports

        with self._writing(f"train {model}"):
            if not new:
                self._check_known(model)
            shop = self.shop
            recipe = forecasters.make(forecaster) if isinstance(forecaster, str) else forecaster
            at = None if cutoff is None else shop.frequency.index_of(cutoff)
            version = train.train(shop, model, recipe=recipe, cutoff=at)
            fitted = train.load_version(shop, version)
            told = version_reports.Trained(version=version, series=len(fitted.reference().ids), notes=fitted.notes)
            return TrainedVersion(self, told)

    def register(
        self,
        model: str,
        loader: str,
        *,
        path: Path | None = None,
        features: Path | Mapping[str, Any] | None = None,
        function: str | None = None,
        code: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        trust: bool = False,
        trained_until: date | None = None,
    ) -> Registration:
        """Make a version of a model made elsewhere, after it has shown in a sandbox what it does.

        Parameters
        ----------
        loader
            How it is brought to answer: ``lightgbm``, ``sklearn``, ``callable`` and so on.
        path
            Its file or folder.
        features
            A features file, or what one holds; none for a model that takes sales.
        function
            ``pkg.mod:fn`` of the loader ``callable``.
        code
            Source file or package that is kept with the version and imported from there.
        settings
            Of the loader.
        trust
            Whether code in its files may run.
        trained_until
            Last day that it has learned from; everything known where nobody says.

        Raises
        ------
        ModelFaultError
            It does not load or answer as it must; nothing is kept.
        """
        from finalmile.workflows import register
        from finalmile.workflows.declaration import declared, read_declaration
        from finalmile.workflows.offer import Offer

        declaration = None
        if features is not None:
            declaration = read_declaration(features) if isinstance(features, Path) else declared(features)
        offer = Offer(
            loader=loader,
            settings={**(settings or {}), **({"function": function} if function else {})},
            path=path,
            code=code,
            declaration=declaration,
            trust=trust,
            trained_until=trained_until,
        )
        with self._writing(f"register {model}"):
            return register.register(self.shop, model, offer)

    def certify(self, model: str = DEFAULT_MODEL, number: int | None = None) -> version_reports.Certified:
        """Judge a version on periods its recipe had not seen."""
        from finalmile.workflows import certify, version_reports

        with self._writing(f"certify {model}"):
            return version_reports.Certified(certificate=certify.certify(self.shop, model, number=number))

    def promote(
        self, model: str = DEFAULT_MODEL, number: int | None = None, *, why: str = "by hand", force: bool = False
    ) -> version_reports.Deployed:
        """Make a certified version the live one."""
        from finalmile.workflows import promote, version_reports

        with self._writing(f"promote {model}"):
            told = promote.promote(self.shop, model, number=number, why=why, force=force)
            self._look_up_online(model)
            return version_reports.Deployed.of(told)

    def rollback(
        self, model: str = DEFAULT_MODEL, *, to: int | None = None, why: str = "by hand", dry_run: bool = False
    ) -> version_reports.Deployed:
        """Return to the version that was live before; a dry run says which, and how many order lines would change."""
        from finalmile.workflows import promote, version_reports

        if dry_run:
            from finalmile.workflows import cycle

            return cycle.would_roll_back(self.shop, model, to=to, book=self._book())
        return version_reports.Deployed.of(
            promote.rollback(self.shop, model, to=to, why=why)
        )  # waits for no other writer

    def compare(
        self,
        model: str = DEFAULT_MODEL,
        *,
        champion: int | None = None,
        challenger: int | None = None,
        horizon_days: float | None = None,
        anytime: bool = False,
        margin: float | None = None,
        alpha: float | None = None,
        source: str | None = None,
        anew: bool = False,
    ) -> version_comparisons.Compared:
        """Hold two versions against what came true since the last look, and say what is decided.

        Terms are fixed by the first call; see :mod:`finalmile.workflows.versions`.

        Parameters
        ----------
        champion, challenger
            The live version, and canary, arm, shadow or newest version, by default.
        horizon_days
            Last day, counted from the first; without one the comparison is anytime-valid, which ``anytime`` insists on.
        margin
            Relative difference that is none.
        alpha
            Probability of a wrong winner or loser.
        source
            ``batch``, ``shadow`` or ``arms``.
        anew
            Forget what was seen and begin after the newest sales.
        """
        from finalmile.workflows import version_comparisons
        from finalmile.workflows import versions as comparing

        given = version_comparisons.Given(
            horizon_days=horizon_days, anytime=anytime, margin=margin, alpha=alpha, source=source
        )
        with self._writing(f"compare {model}"):
            told = comparing.compare(
                self.shop, model, champion=champion, challenger=challenger, given=given, lake=self.lake, anew=anew
            )
            comparing.fold_in(self.shop, told)
            return told

    def comparisons(self, model: str = DEFAULT_MODEL) -> version_comparisons.Comparisons:
        """What every comparison of a model said last."""
        from finalmile.workflows import versions as comparing

        return comparing.standing(self.shop, model)

    def models(self) -> version_reports.Models:
        """Every version, which is live, and what its certificate says."""
        from finalmile.workflows import models

        return models.models(self.ledger)

    def _check_known(self, model: str) -> None:
        """A name that is neither in the settings nor trained before is a slip; a first one may be unlike all."""
        trained = {version.model for version in self.ledger.versions()}
        known = {*self.config.models, *trained}
        if model in known or not (trained or difflib.get_close_matches(model, known)):
            return
        raise MissingInputError(
            f"{UnknownNameError('model', model, known)} To make a new model, name it below models: in {FILE_NAME}, "
            f"or say that it is new. Run: finalmile train {model} --new"
        )
