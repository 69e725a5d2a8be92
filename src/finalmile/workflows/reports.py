"""What workflows give back to people and programs: sentences, a dictionary, and whether a check was breached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from finalmile.frames import Forecast
from finalmile.inventory.worked import worked
from finalmile.plugins import Registry
from finalmile.records import Certificate, Json, OrderLine, Step, Version
from finalmile.wording import number_of
from finalmile.workflows.monitored import Monitored
from finalmile.workflows.order_reasons import reason
from finalmile.workflows.order_reports import in_all
from finalmile.workflows.receipts import Came


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted:
    """A forecast that was logged."""

    version: Version
    forecast: Forecast
    breached: bool = False

    @property
    def frame(self) -> pl.DataFrame:
        """Long frame: unique_id, cutoff, ds, mean, quantiles."""
        return self.forecast.to_frame()

    def lines(self) -> list[str]:
        """How much was forecast, by whom."""
        told = self.forecast
        return [
            f"{self.version} forecast {len(told.ids):,} series for {told.horizon} periods after "
            f"{told.frequency.start_of(told.cutoff)}: {float(told.mean.sum()):,.0f} units in all."
        ]

    def to_dict(self) -> Json:
        """Counts and totals; rows are in the lake, or ``finalmile export forecasts``."""
        told = self.forecast
        return {
            "version": str(self.version),
            "cutoff": told.frequency.start_of(told.cutoff),
            "series": len(told.ids),
            "horizon": told.horizon,
            "units": float(told.mean.sum()),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Order lines that were proposed."""

    orders: tuple[OrderLine, ...]
    items: int
    unplanned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    currency: str = "EUR"
    breached: bool = False

    @property
    def frame(self) -> pl.DataFrame:
        """One row per line."""
        return order_frame(self.orders)

    def lines(self) -> list[str]:
        """How much is to be ordered from whom; the ten dearest lines."""
        costs = [line.quantity * line.unit_cost for line in self.orders if line.unit_cost is not None]
        value = f"{sum(costs):,.2f} {self.currency}" if costs or not self.orders else "value unknown without costs"
        assumed = " (assumed costs or lead times)" if any(line.assumed for line in self.orders) else ""
        dearest = sorted(self.orders, key=lambda line: -line.quantity * (line.unit_cost or 0))[:10]
        suppliers = len({line.order_id for line in self.orders})
        return [
            f"{number_of(len(self.orders), 'line')} in {number_of(suppliers, 'order')} proposed for "
            f"{number_of(self.items, 'item')}: "
            f"{sum(line.quantity for line in self.orders):,} units, {value}{assumed}.",
            *self.notes,
            *(
                f"  {line.order_id}  {line.unique_id}  {line.quantity:,}  due {line.due}{self._money(line)}"
                for line in dearest
            ),
            *(
                [f"  ... and {len(self.orders) - 10:,} that cost less: finalmile orders list"]
                if len(self.orders) > 10
                else []
            ),
        ]

    def _money(self, line: OrderLine) -> str:
        return "" if line.unit_cost is None else f"  {line.quantity * line.unit_cost:,.2f} {self.currency}"

    def to_dict(self) -> Json:
        """Every line with its reason."""
        return {
            "items": self.items,
            "orders": [asdict(line) for line in self.orders],
            "unplanned": list(self.unplanned),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDone:
    """One business day."""

    ds: object
    live: str
    monitored: Monitored
    steps: tuple[Step, ...]
    retrained: tuple[Certificate, ...]
    forecasted: Forecasted | None
    planned: Planned | None
    unplannable: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def breached(self) -> bool:
        """Whether an incident is open, or stock is counted and yet no orders could be planned."""
        return self.monitored.breached or self.unplannable

    def lines(self) -> list[str]:
        """The day in a few sentences."""
        return [
            f"{self.ds}: {self.live} is live.",
            *self.monitored.lines(),
            *(f"Done: {step.action}. {step.why} Undo: {step.undo}" for step in self.steps),
            *(f"Retrained: {one.model}@{one.number} {'passed' if one.passed else 'failed'}." for one in self.retrained),
            *(self.forecasted.lines() if self.forecasted else []),
            *(self.planned.lines() if self.planned else []),
            *self.notes,
        ]

    def to_dict(self) -> Json:
        """All parts."""
        return {
            "ds": self.ds,
            "live": self.live,
            "monitor": self.monitored.to_dict(),
            "steps": [asdict(step) for step in self.steps],
            "retrained": [asdict(one) for one in self.retrained],
            "forecast": self.forecasted.to_dict() if self.forecasted else None,
            "plan": self.planned.to_dict() if self.planned else None,
            "notes": list(self.notes),
        }


def order_frame(orders: Sequence[OrderLine]) -> pl.DataFrame:
    """Order lines as a frame, without their reasons."""
    names = "order_id line_id supplier unique_id quantity unit_cost currency ordered_at due state assumed"
    columns = names.split()
    schema = {"unit_cost": pl.Float64, "quantity": pl.Int64}
    rows = {name: [getattr(line, name) for line in orders] for name in columns}
    return pl.DataFrame(rows, schema_overrides=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Order lines; with ``reasons``, why each quantity; ``every`` where nothing was left out; and what came of them."""

    rows: tuple[OrderLine, ...]
    reasons: bool = False
    every: bool = False
    came: Came = field(default_factory=dict[tuple[str, str], float])
    breached: bool = False

    @property
    def frame(self) -> pl.DataFrame:
        """One row per line."""
        return order_frame(self.rows)

    def lines(self) -> list[str]:
        """One line each, and the numbers behind it."""
        if not self.rows and self.every:
            return ["There are no orders yet: finalmile plan proposes them."]
        if not self.rows:
            return ["No such orders. See all: finalmile orders list"]
        told: list[str] = []
        for line in self.rows:
            who = f"{line.order_id}  {line.state:12} {line.supplier:12}"
            told.append(f"{who} {line.unique_id}  {line.quantity:,}  due {line.due}{self._received(line)}")
            if self.reasons:
                told += [f"    {name}: {value}" for name, value in line.reason.items()]
        return [*told, f"{in_all(self.rows)}."]

    def _received(self, line: OrderLine) -> str:
        """What came of a line; nothing where that goes without saying."""
        came = self.came.get((line.order_id, line.unique_id), 0.0)
        if came == 0 or (came == line.quantity and line.state == "received"):
            return ""
        left = line.quantity - came
        return f"  {came:,.10g} came, " + (f"{left:,.10g} did not" if left > 0 else f"{-left:,.10g} too many")

    def reason(self, line: OrderLine) -> str:
        """Why a line has its quantity, in a sentence."""
        return reason(line)

    def worked(self, line: OrderLine) -> list[str]:
        """Every number and step behind the quantity of a line."""
        return worked(line)

    def to_dict(self) -> Json:
        """Lines under ``orders``, with the units that came."""
        return {
            "orders": [
                {**asdict(line), "received": self.came.get((line.order_id, line.unique_id), 0.0)} for line in self.rows
            ]
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A table that was written to a file."""

    what: str
    path: str
    rows: int
    breached: bool = False

    def lines(self) -> list[str]:
        """What was written where."""
        return [f"{self.rows:,} rows of {self.what} are in {self.path}."]

    def to_dict(self) -> Json:
        """Table, file, rows."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at, and what is wrong with it."""

    facts: tuple[str, ...]
    faults: tuple[str, ...] = ()

    @property
    def breached(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.faults)

    def lines(self) -> list[str]:
        """Facts, then faults."""
        verdict = ["Nothing is wrong."] if not self.faults else []
        return [*self.facts, *(f"WRONG: {fault}" for fault in self.faults), *verdict]

    def to_dict(self) -> Json:
        """Facts and faults."""
        return {"facts": list(self.facts), "faults": list(self.faults)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """Everything that settings can name."""

    rows: tuple[Mapping[str, str], ...]
    breached: bool = False

    @classmethod
    def of(cls, registries: Mapping[str, Registry[Any]]) -> Plugins:
        """From the registries, by kind."""
        return cls(
            rows=tuple(
                {"kind": kind, "name": name, "what": ((registry[name].__doc__ or "").strip().splitlines() or [""])[0]}
                for kind, registry in registries.items()
                for name in registry
            )
        )

    def lines(self) -> list[str]:
        """One line each."""
        return [f"{row['kind']:11} {row['name']:22} {row['what']}" for row in self.rows]

    def to_dict(self) -> Json:
        """Rows under ``plugins``."""
        return {"plugins": [dict(row) for row in self.rows]}
