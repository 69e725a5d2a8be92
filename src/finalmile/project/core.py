"""What a project is made of: settings become adapters, and adapters become a shop."""

from __future__ import annotations

import copy
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from finalmile.adapters.local.artefacts import FolderArtefacts
from finalmile.adapters.local.clock import SystemClock
from finalmile.adapters.local.history import History
from finalmile.adapters.local.lake import FolderLake
from finalmile.adapters.local.ledger import SqlLedger
from finalmile.adapters.local.lock import project_lock
from finalmile.adapters.local.tail_file import open_tails
from finalmile.config import Config, check_names, load_config, template
from finalmile.config.reading import FILE_NAME
from finalmile.errors import MissingInputError
from finalmile.frames.dialects import Kind
from finalmile.frames.specs import SPECS
from finalmile.inventory.exports import exports
from finalmile.inventory.policies import policies
from finalmile.inventory.rules import rules
from finalmile.inventory.stock_book import ON_THE_WAY, StockBook
from finalmile.monitoring.registry import checks, detectors
from finalmile.plugins import Registry
from finalmile.ports import Clock, Notifier, deliveries, forecasters, notifiers
from finalmile.response.registry import actions
from finalmile.workflows import seal as sealing
from finalmile.workflows.arrivals import KnownArrivals
from finalmile.workflows.endpoint import SERVING
from finalmile.workflows.known import Holidays, TableKnown
from finalmile.workflows.logbook import LakeLog
from finalmile.workflows.shop import Shop, known_cutoff

DEFAULT_MODEL = "demand"
LEDGER_NAME = "ledger.db"
REGISTRIES: dict[str, Registry[Any]] = {
    "forecaster": forecasters,
    "policy": policies,
    "rule": rules,
    "action": actions,
    "notifier": notifiers,
    "check": checks,
    "export": exports,
    "delivery": deliveries,
    "streaming detector": detectors,
}


class Core:
    """A folder with settings, a ledger, a lake of tables and model files, and what every verb shares."""

    def __init__(self, folder: Path, *, config: Config, clock: Clock | None = None) -> None:
        self.folder, self.config, self.clock = folder, config, clock or SystemClock()
        self.actor = "finalmile"
        self.ledger = SqlLedger(f"sqlite:///{folder / LEDGER_NAME}")
        self.lake = FolderLake(folder / "lake", self.ledger)
        self.artefacts = FolderArtefacts(folder / "artefacts")
        self.tables: dict[Kind, History] = {
            kind: History(self.lake, *_kept_as(kind, spec.keys)) for kind, spec in SPECS.items()
        }

    @classmethod
    def open(cls, folder: Path | str, *, clock: Clock | None = None, create: bool = True) -> Self:
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
    def init(cls, folder: Path | str, *, clock: Clock | None = None) -> Self:
        """A new project with a settings file that documents every setting; an existing file is left alone."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if not (path / FILE_NAME).exists():
            (path / FILE_NAME).write_text(template(), encoding="utf-8")
        return cls.open(path, clock=clock)

    def acting(self, actor: str) -> Self:
        """The same project, its changes written down under another name."""
        other = copy.copy(self)
        other.actor = actor
        other._forget()
        return other

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
            arrivals=KnownArrivals(
                receipts=self.tables["receipts"].read, lines=lambda states: self.ledger.orders(states=states)
            ),
        )

    @property
    def _holidays(self) -> Holidays | None:
        country, subdivision = self.config.country, self.config.subdivision
        if country is None:
            return None

        from finalmile.adapters.calendar_days import holiday_names

        return lambda first, last: holiday_names(country, first=first, last=last, subdivision=subdivision)

    def _notifiers(self) -> list[Notifier]:
        return [notifiers.make(receiver.name, **dict(receiver.settings)) for receiver in self.config.receivers]

    def _book(self) -> StockBook:
        return StockBook(
            counts=self.tables["stock"].read(),
            receipts=self.tables["receipts"].read(),
            open_orders=self.tables["open_orders"].read(),
            ours=tuple(self.ledger.orders(states=ON_THE_WAY)),
            receipt_versions=self.tables["receipts"].versions(),
            adjustments=self.tables["adjustments"].read(),
            transfers=self.tables["transfers"].read(),
        )

    def _sealed(self, hold: sealing.Hold = nullcontext) -> sealing.Sealed:
        with open_tails(self.folder / SERVING) as tails:
            return sealing.seal(tails, self.lake, self.ledger, hold=hold)

    def _look_up_online(self, model: str, cutoff: int | None = None) -> None:
        """Keep what the endpoint looks up for the live version, where a project is served at all and knows of sales."""
        from finalmile.workflows import materialise

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

    @contextmanager
    def _writing(self, verb: str) -> Generator[None]:
        with project_lock(self.folder, verb=verb, wait_s=10.0):
            self.lake.sweep()
            yield


def _kept_as(kind: Kind, keys: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Table and keys of a kind: forecasts of several models stand side by side."""
    return ("ready_forecasts", ("model", *keys)) if kind == "forecasts" else (kind, keys)
