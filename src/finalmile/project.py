"""The composition root: settings become adapters, adapters become a shop, and each verb is handed to its workflow."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from finalmile.adapters.calendar_days import holiday_names
from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.clock import SystemClock
from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.lock import project_lock
from finalmile.adapters.local.private_endpoint import LocalBench
from finalmile.adapters.local.tail_file import open_tails
from finalmile.adapters.sources import Source, load
from finalmile.config import Config, check_names, load_config, template
from finalmile.config.reading import FILE_NAME
from finalmile.errors import MissingInputError, UnknownNameError
from finalmile.figures.views import Home, Product
from finalmile.forecasters.isolation import Process
from finalmile.forecasters.loaders.kept import Kept
from finalmile.frames import Frequency
from finalmile.frames.casting import Cast
from finalmile.frames.dialects import Kind
from finalmile.frames.roles import Role
from finalmile.frames.specs import SPECS
from finalmile.inventory import Policy
from finalmile.inventory.policies import policies
from finalmile.plugins import Registry
from finalmile.ports import Clock, Forecaster, Notifier, Progress, forecasters, notifiers
from finalmile.records import Json, OrderState, Version
from finalmile.response.registry import actions
from finalmile.workflows import (
    account,
    certify,
    certify_endpoint,
    counts,
    cycle,
    doctor,
    export,
    forecast,
    impact,
    ingest,
    materialise,
    parity,
    promote,
    ready_made,
    register,
    replay,
    reports,
    spans,
    speed,
    train,
    views,
)
from finalmile.workflows import keys as api_keys
from finalmile.workflows import rescore as rescoring
from finalmile.workflows import routes as traffic
from finalmile.workflows import seal as sealing
from finalmile.workflows.account import Replayed
from finalmile.workflows.declaration import declared, read_declaration
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.endpoint_trial import Effort
from finalmile.workflows.known import Holidays, PastKnown, TableKnown
from finalmile.workflows.logbook import CUMULATIVE, FORECASTS, LakeLog
from finalmile.workflows.memory import MemoryLog
from finalmile.workflows.monitor import Watched, monitor
from finalmile.workflows.plan import ON_THE_WAY, StockBook
from finalmile.workflows.plan import plan as make_plan
from finalmile.workflows.shop import Shop, known_cutoff, live_version, newest_version
from finalmile.workflows.speed_reports import EndpointCertified, EndpointsCompared

DEFAULT_MODEL = "demand"
LEDGER_NAME = "ledger.db"
REGISTRIES: dict[str, Registry[Any]] = {
    "forecaster": forecasters,
    "policy": policies,
    "action": actions,
    "notifier": notifiers,
}


class Table:
    """One kind of table of a project: add to it, read it."""

    def __init__(self, project: Project, kind: Kind) -> None:
        self._project = project
        self._kind: Kind = kind

    def add(
        self,
        source: Source,
        *,
        columns: Mapping[str, str] | None = None,
        query: str | None = None,
        known_at: datetime | None = None,
        known_days_ahead: float | None = None,
        backfill: bool | None = None,
        decimal_comma: bool = False,
        date_format: str | None = None,
        roles: Mapping[str, Role] | None = None,
        sparse: bool = False,
        complete: bool = True,
        model: str | None = None,
    ) -> ingest.IngestReport:
        """Take in a file, a glob, a frame or a query; see :meth:`Project.ingest`."""
        return self._project.ingest(
            self._kind,
            source,
            columns=columns,
            query=query,
            known_at=known_at,
            known_days_ahead=known_days_ahead,
            backfill=backfill,
            decimal_comma=decimal_comma,
            date_format=date_format,
            roles=roles,
            sparse=sparse,
            complete=complete,
            model=model,
        )

    def read(self, *, as_of: datetime | None = None) -> pl.DataFrame:
        """Newest version of every row, or as it was known at an instant."""
        return self._project.tables[self._kind].read(as_of=as_of)


class TrainedVersion:
    """A version that was just trained, ready to be judged and to go live."""

    breached = False

    def __init__(self, project: Project, report: reports.Trained) -> None:
        self._project, self.report, self.version = project, report, report.version

    def __str__(self) -> str:
        return str(self.version)

    def certify(self) -> reports.Certified:
        """Judge it on periods its recipe had not seen."""
        return self._project.certify(self.version.model, self.version.number)

    def promote(self, *, why: str = "by hand", force: bool = False) -> reports.Deployed:
        """Make it the live one."""
        return self._project.promote(self.version.model, self.version.number, why=why, force=force)

    def lines(self) -> list[str]:
        """What was trained, on what, and what to do next."""
        return self.report.lines()

    def to_dict(self) -> Json:
        """Version, series, notes."""
        return self.report.to_dict()


class Project:
    """A folder with everything in it: settings, a ledger, a lake of tables, model files.

    Parameters
    ----------
    folder
        Made by :meth:`init`, or by the first thing that is added.
    clock
        Where 'now' comes from; the machine's by default.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> project = Project.init(Path(tempfile.mkdtemp()) / "shop")
    >>> project.models().lines()
    ['No version yet. Run: finalmile train demand']
    """

    def __init__(self, folder: Path, *, config: Config, clock: Clock | None = None) -> None:
        self.folder, self.config, self.clock = folder, config, clock or SystemClock()
        self.actor = "finalmile"
        self.ledger = SqlLedger(f"sqlite:///{folder / LEDGER_NAME}")
        self.lake = FolderLake(folder / "lake", self.ledger)
        self.artefacts = FolderArtefacts(folder / "artefacts")
        self.tables: dict[Kind, History] = {
            kind: History(self.lake, *_kept_as(kind, spec.keys)) for kind, spec in SPECS.items()
        }
        self.sales, self.items, self.stock = Table(self, "sales"), Table(self, "items"), Table(self, "stock")
        self.receipts, self.open_orders = Table(self, "receipts"), Table(self, "open_orders")
        self.future, self.forecasts = Table(self, "future"), Table(self, "forecasts")

    @classmethod
    def open(cls, folder: Path | str, *, clock: Clock | None = None, create: bool = True) -> Project:
        """The project in a folder, which is made where it is not there (unless ``create`` is false).

        Raises
        ------
        ConfigError
            If ``finalmile.yaml`` holds something that cannot be used; every fault at once.
        MissingInputError
            If there is no project in the folder and none is to be made.
        """
        path = Path(folder)
        if not create and not cls.exists(path):
            raise MissingInputError(
                f"there is no project in {path.resolve()}. Make one with finalmile init, or name another folder with "
                "--project DIR"
            )
        config = load_config(path)
        check_names(config, REGISTRIES)
        path.mkdir(parents=True, exist_ok=True)
        return cls(path, config=config, clock=clock)

    @staticmethod
    def exists(folder: Path | str) -> bool:
        """Whether there is a project in a folder."""
        return any((Path(folder) / name).exists() for name in (FILE_NAME, LEDGER_NAME))

    @classmethod
    def init(cls, folder: Path | str, *, clock: Clock | None = None) -> Project:
        """A new project with a settings file that documents every setting; an existing file is left alone."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if not (path / FILE_NAME).exists():
            (path / FILE_NAME).write_text(template(), encoding="utf-8")
        return cls.open(path, clock=clock)

    def ingest(
        self,
        kind: str,
        source: Source,
        *,
        columns: Mapping[str, str] | None = None,
        query: str | None = None,
        known_at: datetime | None = None,
        known_days_ahead: float | None = None,
        backfill: bool | None = None,
        decimal_comma: bool = False,
        date_format: str | None = None,
        roles: Mapping[str, Role] | None = None,
        sparse: bool = False,
        complete: bool = True,
        model: str | None = None,
    ) -> ingest.IngestReport:
        """Take in a table of one kind; all of it is looked at before anything is kept.

        Parameters
        ----------
        kind
            ``sales``, ``items``, ``stock``, ``receipts``, ``open_orders``, ``future`` or ``forecasts``.
        source
            CSV or Parquet path, glob, Arrow-capable frame, or SQLAlchemy URL with ``query``.
        columns
            Our name to the source's, for columns that are called differently there.
        known_at
            When the rows became known; now by default.
        known_days_ahead
            For ``future``: how long before its period each row was known.
        backfill
            Whether the rows count as known when they happened. By default so where the oldest is more than 60 days
            old and ``known_at`` is not given.
        decimal_comma
            Numbers written as text have a decimal comma: ``1,5`` and ``1.000,5``.
        date_format
            How dates written as text are read, where they are not ISO dates: ``"%d/%m/%Y"``.
        roles
            What columns are that nobody declared: ``number``, ``text`` (both move with the row) or ``hierarchy``.
        sparse
            Periods in which nothing sold are left out, so that holes say nothing about the frequency.
        complete
            For ``open_orders``: an order that the table leaves out is open no more.
        model
            For ``forecasts``: the model they become a version of.

        Raises
        ------
        SchemaError
            With every fault, before anything is written.
        """
        if kind not in self.tables:
            raise UnknownNameError("kind of table", kind, self.tables)
        if kind == "forecasts":
            _ = self.shop.known.newest  # forecasts are calibrated on sales: complain before anything is kept
        with self._writing(f"ingest {kind}"):
            read = load(source, query=query)
            report = ingest.ingest(
                kind,
                read.frame,
                source=read.label,
                tables=self.tables,
                now=self.clock.now(),
                known_at=known_at,
                known_days_ahead=known_days_ahead,
                backfill=backfill,
                columns=columns,
                roles=roles,
                cast=Cast(date_format=date_format, decimal_comma=decimal_comma),
                sparse=sparse,
                complete=complete,
                frequency=None if self.config.frequency == "auto" else Frequency.parse(self.config.frequency),
                untyped=read.untyped,
                parts=read.parts,
                stamp={"model": model or DEFAULT_MODEL} if kind == "forecasts" else None,
            )
            self._forget()
            if kind == "forecasts":
                name = model or DEFAULT_MODEL
                mine = self.tables["forecasts"].read().filter(pl.col("model") == name)
                ready_made.register(self.shop, name, mine)
            return report

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
        with self._writing(f"train {model}"):
            if not new:
                self._check_known(model)
            shop = self.shop
            recipe = forecasters.make(forecaster) if isinstance(forecaster, str) else forecaster
            at = None if cutoff is None else shop.frequency.index_of(cutoff)
            version = train.train(shop, model, recipe=recipe, cutoff=at)
            fitted = train.load_version(shop, version)
            told = reports.Trained(version=version, series=len(fitted.reference().ids), notes=fitted.notes)
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
    ) -> register.Registration:
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
        declaration = None
        if features is not None:
            declaration = read_declaration(features) if isinstance(features, Path) else declared(features)
        offer = register.Offer(
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

    def certify(self, model: str = DEFAULT_MODEL, number: int | None = None) -> reports.Certified:
        """Judge a version on periods its recipe had not seen."""
        with self._writing(f"certify {model}"):
            return reports.Certified(certificate=certify.certify(self.shop, model, number=number))

    def certify_endpoint(
        self,
        model: str = DEFAULT_MODEL,
        number: int | None = None,
        *,
        quick: bool = False,
        rate: float | None = None,
        target_ms: float = 50.0,
        even_if_busy: bool = False,
        progress: Progress | None = None,
    ) -> EndpointCertified:
        """Measure how fast a version answers on this machine, on a server of its own, and keep the certificate.

        Takes about eight minutes, ``quick`` about three; see :mod:`finalmile.workflows.certify_endpoint`.
        """
        certificate = certify_endpoint.certify_endpoint(
            self.shop,
            model,
            bench=LocalBench(),
            serving=self.folder / SERVING,
            number=number,
            effort=Effort.quick() if quick else Effort(),
            rate=rate,
            target_ms=target_ms,
            even_if_busy=even_if_busy,
            progress=progress,
        )
        return EndpointCertified(certificate=certificate)

    def compare_endpoints(self, first: tuple[str, int | None], second: tuple[str, int | None]) -> EndpointsCompared:
        """Whether the second version answers slower than the first, by their newest endpoint certificates."""
        return EndpointsCompared(comparison=speed.compare_versions(self.shop, first, second))

    def endpoint_benchmark(self, model: str = DEFAULT_MODEL, number: int | None = None) -> speed.Benchmark | None:
        """What a version's speed is judged by: its own certificate, the previous version's, or a similar model's."""
        return speed.benchmark_of(self.shop, newest_version(self.shop, model, number))

    def promote(
        self, model: str = DEFAULT_MODEL, number: int | None = None, *, why: str = "by hand", force: bool = False
    ) -> reports.Deployed:
        """Make a certified version the live one."""
        with self._writing(f"promote {model}"):
            told = promote.promote(self.shop, model, number=number, why=why, force=force)
            self._look_up_online(model)
            return reports.Deployed.of(told)

    def rollback(
        self, model: str = DEFAULT_MODEL, *, to: int | None = None, why: str = "by hand", dry_run: bool = False
    ) -> reports.Deployed:
        """Return to the version that was live before; a dry run says which, and how many order lines would change."""
        if dry_run:
            return cycle.would_roll_back(self.shop, model, to=to, book=self._book())
        return reports.Deployed.of(promote.rollback(self.shop, model, to=to, why=why))  # waits for no other writer

    def models(self) -> reports.Models:
        """Every version, which is live, and what its certificate says."""
        return cycle.models(self.ledger)

    def acting(self, actor: str) -> Project:
        """The same project, its changes written down under another name."""
        other = copy.copy(self)
        other.actor = actor
        other._forget()
        return other

    def keys(self) -> api_keys.Keys:
        """What is kept of every API key."""
        return api_keys.Keys(rows=self.ledger.keys(), now=self.clock.now())

    def create_key(
        self, name: str, *, role: str = "viewer", lasts: timedelta | None = None, models: Sequence[str] = ()
    ) -> api_keys.NewKey:
        """A new API key; its secret is in what comes back and nowhere else."""
        return api_keys.create(
            self.ledger, name, role=role, now=self.clock.now(), actor=self.actor, lasts=lasts, models=models
        )

    def revoke_key(self, prefix: str) -> api_keys.Keys:
        """End an API key at once."""
        return api_keys.revoke(self.ledger, prefix, now=self.clock.now(), actor=self.actor)

    def routes(self, model: str | None = None) -> traffic.RoutesReport:
        """Which versions answer a model's requests, and for how much of the traffic."""
        known = sorted({version.model for version in self.ledger.versions()})
        if model is not None and model not in known:
            raise UnknownNameError("model", model, known)
        return traffic.show(self.shop, known if model is None else [model])

    def set_route(
        self,
        model: str = DEFAULT_MODEL,
        *,
        canary: tuple[int, float] | None = None,
        arms: Mapping[int, float] | None = None,
        shadow: int | None = None,
        durable: bool | None = None,
        deadline_ms: int | None = None,
        why: str = "by hand",
    ) -> traffic.Routed:
        """Answer a model's requests differently; what is not given stays as it is.

        Parameters
        ----------
        canary
            Version and its share of the traffic, sticky by unique_id; a share of 0 ends it.
        arms
            Share by version, in place of all arms there are.
        shadow
            Version whose answers are compared with those given; 0 for none.
        durable
            Answer only after the prediction is on disk.
        """
        wanted = traffic.Change(canary=canary, arms=arms, shadow=shadow, durable=durable, deadline_ms=deadline_ms)
        return traffic.change(self.shop, model, wanted, why=why)

    def forecast(self, model: str = DEFAULT_MODEL) -> reports.Forecasted:
        """Forecast from the newest sales with the live version, and log it."""
        with self._writing(f"forecast {model}"):
            told = forecast.forecast(self.shop, model)
            materialise.materialise(self.shop, live_version(self.shop, model), self.folder / SERVING, told=told)
            return reports.Forecasted(version=cycle.live(self.ledger, model), forecast=told)

    def materialise(self, model: str = DEFAULT_MODEL, number: int | None = None) -> Path | None:
        """Keep what the endpoint looks up for the live version or another one, from the newest sales.

        The folder of the table; ``None`` where callers give every feature themselves.
        """
        with self._writing(f"materialise {model}"):
            version = live_version(self.shop, model) if number is None else self.ledger.version(model, number)
            return materialise.materialise(self.shop, version, self.folder / SERVING)

    def monitor(self, model: str = DEFAULT_MODEL) -> reports.Monitored:
        """Judge what came true since the last look; incidents that are open are told too."""
        with self._writing(f"monitor {model}"):
            newest_version(self.shop, model)
            watched = parity.joined(monitor(self.shop, model, self.shop.known.newest), self._parity(model))
            return cycle.monitored(self.ledger, model, watched)

    def plan(self, model: str = DEFAULT_MODEL, *, policy: Policy | None = None) -> reports.Planned:
        """Propose orders for every item with a stock count, by the settings' policy or another; nothing is sent."""
        with self._writing(f"plan {model}"):
            shop = self.shop if policy is None else _ordering_by(self.shop, policy)
            return self._with_old_counts(
                cycle.planned(shop, make_plan(shop, model, self._book())), known_cutoff(shop, None)
            )

    def orders(self, order: str | None = None, *, states: Sequence[OrderState] = ()) -> reports.Orders:
        """Order lines; of one order with the reason of each quantity."""
        return cycle.orders(self.ledger, order, states=states)

    def run_day(self, at: date | None = None, *, model: str = DEFAULT_MODEL) -> reports.DayDone:
        """One business day: monitor, respond, retrain when due, forecast, plan. Again the same day repeats nothing."""
        with self._writing(f"run {model}"):
            shop = self.shop
            cutoff = known_cutoff(shop, None if at is None else shop.frequency.index_of(at))
            done = cycle.run_day(shop, model, cutoff, book=self._book())
            self._look_up_online(model, cutoff)
            return done if done.planned is None else replace(done, planned=self._with_old_counts(done.planned, cutoff))

    def impact(self, start: date, end: date, *, against: str | None = None, model: str = DEFAULT_MODEL) -> Replayed:
        """What ordering by the forecasts logged in a span was worth, against a baseline."""
        _check_order(start, end)
        past = self._past()
        shop = replace(self._against(self.shop, against), known=past)
        return impact.impact(shop, past, model, start=start, end=end, assumptions=views.assumptions(self.config))

    def replay(
        self,
        start: date,
        end: date,
        *,
        model: str = DEFAULT_MODEL,
        retrain_every_days: float | None = None,
        against: str | None = None,
        out: Path | None = None,
        demand: pl.DataFrame | None = None,
        progress: Progress | None = None,
    ) -> Replayed:
        """Play history again, every decision made from what was known then.

        Parameters
        ----------
        start, end
            First and last day that is played.
        retrain_every_days
            By default what the settings say.
        against
            Baseline policy; by default that of the settings.
        out
            Folder for the results, beside the project's own.
        demand
            ``unique_id, ds, demand``: true demand, where it is known; sales otherwise.

        Raises
        ------
        MissingInputError
            If sales do not cover the span and some history before it.
        """
        _check_order(start, end)
        began = time.monotonic()
        past = self._past()
        with tempfile.TemporaryDirectory(prefix="finalmile-replay-") as scratch, SqlLedger("sqlite://") as ledger:
            clock = replay.ReplayClock()
            shop = Shop(
                config=self.config,
                ledger=ledger,
                artefacts=FolderArtefacts(Path(scratch)),
                known=past,
                forecasts=MemoryLog(),
                clock=clock,
                actor="replay",
            )
            spans.check_start(shop, past, start=start, end=end)
            days = self.config.replay.retrain_every_days if retrain_every_days is None else retrain_every_days
            played = replay.play(
                self._against(shop, against),
                past,
                clock,
                model=model,
                first=past.frequency.index_of(start),
                last=past.frequency.index_of(end),
                retrain_every=shop.periods(days) if days else None,
                demand=demand,
                progress=progress,
            )
        told = account.account(
            played,
            model=model,
            frequency=past.frequency,
            policy=self.config.plan.policy,
            against=against or self.config.plan.baseline,
            assumptions=views.assumptions(self.config),
            seconds=time.monotonic() - began,
        )
        forecasts = account.forecasts_of(played.days)
        for folder in (self.folder / "replays" / f"{start}_{end}", *([] if out is None else [out])):
            told.write(folder, forecasts=forecasts)
        return told

    def export(
        self,
        what: str,
        path: Path,
        format: str = "csv",  # noqa: A002  # the verb's word
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> reports.Exported:
        """Write a table to a CSV or Parquet file: all of it, or the days (for forecasts: the cutoffs) of a span."""
        return export.export(
            what,
            path,
            file_format=format,
            tables=self.tables,
            lake=self.lake,
            ledger=self.ledger,
            predictions=self.predictions,
            start=start,
            end=end,
        )

    def predictions(
        self,
        model: str | None = None,
        *,
        version: int | None = None,
        role: str | None = None,
        since: datetime | None = None,
    ) -> pl.DataFrame:
        """Every prediction that the endpoint logged, once, a row per period: sealed ones and those still hot.

        Parameters
        ----------
        role
            Why the version answered: ``live``, ``canary``, ``arm``, ``fallback``; ``shadow`` and ``previous`` are
            logged features scored again by another version.
        since
            Only those issued at or after this instant, aware.
        """
        with open_tails(self.folder / SERVING) as tails:
            return sealing.predictions(tails, self.lake, model=model, version=version, role=role, since=since)

    def seal(self) -> sealing.Sealed:
        """Move logged predictions from the tails of the endpoint's workers into the lake, each exactly once."""
        with self._writing("seal"):
            return self._sealed()

    def rescore(self, model: str = DEFAULT_MODEL) -> list[rescoring.Rescored]:
        """Let the shadow version and the last good one answer the logged features they have not yet seen.

        Each runs in a process of its own, within bounds; whatever it does, its rows are kept once and say how it
        went. Sealed rows only.
        """
        told: list[rescoring.Rescored] = []
        for number, role in rescoring.due(self.ledger, model):
            version = self.ledger.version(model, number)
            scored = rescoring.score(
                version, role, lake=self.lake, ledger=self.ledger, artefacts=self.artefacts, start=self._start
            )
            if scored is not None:
                with self._writing("rescore"):
                    told.append(rescoring.keep(scored, self.lake))
        return told

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
        from finalmile.monitoring.registry import checks

        return reports.Plugins.of({**REGISTRIES, "metric": metrics, "check": checks})

    def home(self) -> Home:
        """What the first page shows."""
        return views.home(self.shop, self.tables, folder=self.folder, name=self.folder.resolve().name)

    def product(self, unique_id: str) -> Product:
        """What the page of one product shows."""
        return views.product(self.shop, self.tables, unique_id)

    @classmethod
    def demo(cls, folder: Path, *, seed: int = 0, days: int = 91, progress: Progress | None = None) -> Replayed:
        """Replay the last days of a simulated retailer in which demand suddenly changes."""
        from finalmile.workflows.demo import SETTINGS, demo

        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LEDGER_NAME).exists():
            raise MissingInputError(f"{folder} holds a project already; give the demo an empty folder to keep")
        (folder / FILE_NAME).write_text(SETTINGS, encoding="utf-8")
        return demo(cls.open(folder), seed=seed, days=days, progress=progress)

    @cached_property
    def shop(self) -> Shop:
        """What the workflows work on."""
        known = TableKnown(
            sales=self.tables["sales"],
            item_table=self.tables["items"],
            future=self.tables["future"],
            config=self.config,
            holidays=self._holidays,
        )
        return Shop(
            config=self.config,
            ledger=self.ledger,
            artefacts=self.artefacts,
            known=known,
            forecasts=LakeLog(self.lake, known),
            clock=self.clock,
            notifiers=self._notifiers(),
            actor=self.actor,
        )

    @property
    def _holidays(self) -> Holidays | None:
        country, subdivision = self.config.country, self.config.subdivision
        if country is None:
            return None
        return lambda first, last: holiday_names(country, first=first, last=last, subdivision=subdivision)

    def _notifiers(self) -> list[Notifier]:
        return [notifiers.make(receiver.name, **dict(receiver.settings)) for receiver in self.config.receivers]

    def _past(self) -> PastKnown:
        return PastKnown.of(
            self.tables["sales"],
            self.tables["items"],
            self.tables["future"],
            config=self.config,
            holidays=self._holidays,
        )

    def _book(self) -> StockBook:
        return StockBook(
            counts=self.tables["stock"].read(),
            receipts=self.tables["receipts"].read(),
            open_orders=self.tables["open_orders"].read(),
            ours=tuple(self.ledger.orders(states=ON_THE_WAY)),
        )

    def _with_old_counts(self, planned: reports.Planned, cutoff: int) -> reports.Planned:
        """The plan, with a note where it stands on stock that nobody has counted for long."""
        note = counts.old_counts(
            self.tables["stock"].read(),
            self.tables["items"].read(),
            day=self.shop.day(cutoff),
            review_period_days=self.config.plan.review_period_days,
        )
        return planned if note is None else replace(planned, notes=(*planned.notes, note))

    def _sealed(self) -> sealing.Sealed:
        with open_tails(self.folder / SERVING) as tails:
            return sealing.seal(tails, self.lake, self.ledger)

    def _parity(self, model: str) -> Watched:
        self._sealed()
        return parity.watch_parity(
            self.shop,
            self.lake,
            model,
            features=[parity.FeatureTables(self.folder / SERVING)],
            answers=[parity.LoggedForecasts(self.shop)],
        )

    def _start(self, version: Version) -> Process:
        folder = self.artefacts.path(version.digest)
        kept = Kept.read(folder)
        return Process(folder, reaches_out=kept.made().reaches_out, secrets=kept.secrets)

    def _look_up_online(self, model: str, cutoff: int | None = None) -> None:
        """Keep what the endpoint looks up for the live version, where a project is served at all and knows of sales."""
        deployed, folder = self.ledger.deployment(model), self.folder / SERVING
        if deployed is None or not folder.is_dir():
            return
        try:
            cutoff = known_cutoff(self.shop, cutoff)
        except MissingInputError:
            return
        version = self.ledger.version(model, deployed.live)
        told = self.shop.forecasts.told(model, cutoff, version=version.number)
        materialise.materialise(self.shop, version, folder, cutoff=cutoff, told=told)

    def _forget(self) -> None:
        self.__dict__.pop("shop", None)

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

    @contextmanager
    def _writing(self, verb: str) -> Generator[None]:
        with project_lock(self.folder, verb=verb, wait_s=10.0):
            self.lake.sweep()
            yield

    @staticmethod
    def _against(shop: Shop, against: str | None) -> Shop:
        if against is None:
            return shop
        known = sorted(policies)
        if against not in known:
            raise UnknownNameError("policy", against, known)
        rules = shop.config.plan.model_copy(update={"baseline": against, "baseline_settings": {}})
        return replace(shop, config=shop.config.model_copy(update={"plan": rules}))


def _check_order(start: date, end: date) -> None:
    if start > end:
        raise MissingInputError(f"the span starts on {start}, after its end {end}; give the earlier day first")


def _kept_as(kind: Kind, keys: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Table and keys of a kind: forecasts of several models stand side by side."""
    return ("ready_forecasts", ("model", *keys)) if kind == "forecasts" else (kind, keys)


def _ordering_by(shop: Shop, policy: Policy) -> Shop:
    """The same shop, ordering by another policy."""
    settings: dict[str, object] = (
        dataclasses.asdict(policy) if dataclasses.is_dataclass(policy) and not isinstance(policy, type) else {}
    )
    rules = shop.config.plan.model_copy(update={"policy": policies.name_of(policy), "settings": settings})
    return replace(shop, config=shop.config.model_copy(update={"plan": rules}))


def open_project(folder: Path | str) -> Project:
    """The project in a folder."""
    return Project.open(folder)


__all__ = ["DEFAULT_MODEL", "MissingInputError", "Project", "Table", "newest_version", "open_project"]
