"""One version, ready to answer: its model of rows, its table of features or answers, and what it makes of a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from finalmile.serving.asking import Asked
from finalmile.serving.board import Served
from finalmile.serving.online import OnlineTable
from finalmile.serving.rows import Fault, RowReader

Rows = NDArray[np.float64]

LARGEST = 1e15
"""No demand is larger: a model that says so is broken, as one is that says NaN."""


class ModelOfRows(Protocol):
    """What answers rows of features."""

    def rows(self, features: Rows, /) -> Rows:
        """Answers of shape (m, outputs) for features of shape (m, F)."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class UnfitAnswerError(RuntimeError):
    """A model answered with what cannot be an answer: another shape, NaN, or more than anybody could sell."""


@dataclass(slots=True)
class Plan:
    """A record made ready for a version.

    Parameters
    ----------
    rows
        Features for the model, shape (k, F); ``None`` where the answer was looked up.
    row
        Row of the table, where one was used.
    steps
        Places of the periods in the table; empty for features that stand for themselves.
    """

    asked: Asked
    ds: list[str | None]
    rows: Rows | None = None
    row: int = -1
    steps: Sequence[int] = ()
    given: bool = True
    wide: bool = False


@dataclass(slots=True)
class Answer:
    """What a version says of a record; as many values each as there are periods."""

    mean: Any
    levels: Sequence[float] = ()
    quantiles: Sequence[Any] = ()
    windows: list[dict[str, Any]] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Ready:
    """A version in memory.

    Parameters
    ----------
    reader, model
        Of a model of rows; ``None`` both where every answer is looked up.
    inline
        Whether the model answers in microseconds and cannot hang, so that nobody need wait for it elsewhere.
    """

    served: Served
    reader: RowReader | None = None
    model: ModelOfRows | None = None
    table: OnlineTable | None = None
    inline: bool = True
    levels: tuple[float, ...] = ()
    name: str = ""
    cutoff: str | None = None
    in_use: int = 0
    over: bool = False
    _columns: tuple[int, ...] = field(default=())
    _mean: int = 0

    def __post_init__(self) -> None:
        self.name = str(self.served)
        self.cutoff = None if self.table is None else self.table.about.cutoff
        if self.reader is not None:
            outputs = self.reader.signature.outputs
            named = [(float(one[1:]), at) for at, one in enumerate(outputs) if one.startswith("q")]
            self.levels, self._columns = tuple(level for level, _ in named), tuple(at for _, at in named)
            self._mean = outputs.index("mean") if "mean" in outputs else 0
        elif self.table is not None:
            self.levels = self.table.about.levels

    @property
    def mute(self) -> bool:
        """Whether it has nothing to answer from: no model of rows, and no table yet."""
        return self.reader is None and self.table is None

    def plan(self, asked: Asked, faults: list[Fault], /) -> Plan | None:
        """What a record needs of this version; ``None`` after adding why it cannot be answered."""
        before = len(faults)
        self._check_levels(asked, faults)
        planned = self._looked_up(asked, faults) if self.reader is None else self._rows(asked, self.reader, faults)
        return planned if len(faults) == before else None

    def run(self, rows: Rows, /) -> Rows:
        """What the model says, shape (m, outputs).

        Raises
        ------
        UnfitAnswerError
            It has another shape, or holds what cannot be an answer.
        """
        assert self.model is not None
        assert self.reader is not None
        told = self.model.rows(rows)
        shape = (len(rows), len(self.reader.signature.outputs))
        if told.shape != shape:
            raise UnfitAnswerError(f"{self.name} answered with shape {told.shape} where {shape} was asked for")
        fine = -LARGEST < told.item() < LARGEST if told.size == 1 else bool((np.abs(told) < LARGEST).all())
        if not fine:
            raise UnfitAnswerError(f"{self.name} answered with a value that is not finite or beyond {LARGEST:g}")
        return told

    def of_rows(self, plan: Plan, told: Rows, /) -> Answer:
        """The answer for a record from what the model said of its rows, shape (k, outputs)."""
        if not self._columns:
            return Answer(mean=self.means(told))
        wanted = plan.asked.quantiles
        chosen = self.levels if wanted is None or wanted is True else wanted or ()
        columns = [self._columns[self.levels.index(level)] for level in chosen]
        return Answer(mean=self.means(told), levels=chosen, quantiles=[told[:, at].tolist() for at in columns])

    def means(self, told: Rows, /) -> list[float]:
        """The mean of every row that the model answered, shape (m, outputs); its first answer where none has a name."""
        means: list[float] = told[:, self._mean].tolist()
        return means

    def of_table(self, plan: Plan, /) -> Answer:
        """The answer for a record as it was looked up."""
        assert self.table is not None
        arrays, steps = self.table.arrays, list(plan.steps)
        wanted = plan.asked.quantiles
        chosen = self.levels if wanted is True else wanted or ()
        quantiles = [arrays["quantiles"][plan.row, steps, self.levels.index(level)] for level in chosen]
        windows = self._windows(plan) if plan.asked.windows else None
        return Answer(mean=arrays["mean"][plan.row, steps], levels=chosen, quantiles=quantiles, windows=windows)

    def close(self) -> None:
        """Free the model."""
        if self.model is not None:
            self.model.close()
            self.model = None

    def _check_levels(self, asked: Asked, faults: list[Fault]) -> None:
        if isinstance(asked.quantiles, tuple):
            missing = [level for level in asked.quantiles if level not in self.levels]
            if missing:
                known = ", ".join(f"{level:g}" for level in self.levels) or "none"
                faults.append((asked.place("quantiles"), f"asks for {missing[0]:g}; {self.name} knows {known}"))
        if asked.windows and (self.table is None or "windows" not in self.table.arrays):
            faults.append((asked.place("windows"), f"asks for demand over windows, and {self.name} tells none"))

    def _rows(self, asked: Asked, reader: RowReader, faults: list[Fault]) -> Plan | None:
        table = self.table
        if asked.features is not None and (table is None or asked.unique_id is None):
            return self._given(asked, reader, faults)
        if asked.unique_id is None or table is None:
            what = "features" if table is None else "unique_id, to look features up, or features"
            if not faults:
                faults.append((asked.where or "body", f"names nothing to answer about; give {what}"))
            return None
        row = table.row_of(asked.unique_id)
        if row is None:
            if asked.features is not None:
                return self._given(asked, reader, faults)
            faults.append((asked.place("unique_id"), self._unknown(asked.unique_id, table)))
            return None
        return self._completed(asked, reader, row, table, faults)

    def _given(self, asked: Asked, reader: RowReader, faults: list[Fault]) -> Plan | None:
        if asked.horizon is not None or asked.dates is not None:
            faults.append((asked.place("features"), "stand for one period: leave out horizon and dates"))
        row = reader.read(asked.features, asked.place("features"), faults)
        return None if row is None else Plan(asked=asked, ds=[asked.ds], rows=row[None, :])

    def _completed(
        self, asked: Asked, reader: RowReader, row: int, table: OnlineTable, faults: list[Fault]
    ) -> Plan | None:
        """Rows that were looked up, with what the record gives in their place."""
        values = table.arrays["values"]
        if values.ndim == 2:
            steps: Sequence[int] = ()
            ds, base = [asked.ds], values[row : row + 1]
        else:
            steps = self._steps(asked, table, faults)
            ds, base = _named(table, steps), values[row, list(steps)]
        rows: Rows = base.astype(np.float64)
        if asked.features is not None:
            place = asked.place("features")
            made = [reader.read(asked.features, place, faults, base=one) for one in rows[:1]]
            made += [reader.read(asked.features, place, [], base=one) for one in rows[1:]]
            if any(one is None for one in made):
                return None
            rows = np.array(made)
        return Plan(asked=asked, ds=ds, rows=rows, row=row, steps=steps, given=False, wide=values.ndim == 3)

    def _looked_up(self, asked: Asked, faults: list[Fault]) -> Plan | None:
        table = self.table
        if table is None:
            faults.append((asked.where or "body", f"{self.name} has not forecast yet; run: finalmile forecast"))
            return None
        if asked.features is not None:
            faults.append(
                (asked.place("features"), f"are not taken by {self.name}, whose answers are looked up; leave out")
            )
        if asked.unique_id is None:
            if not faults:
                faults.append((asked.place("unique_id"), "is missing; say whose demand is wanted"))
            return None
        row = table.row_of(asked.unique_id)
        if row is None:
            faults.append((asked.place("unique_id"), self._unknown(asked.unique_id, table)))
            return None
        steps = self._steps(asked, table, faults)
        self._check_windows(asked, row, table, faults)
        return Plan(asked=asked, ds=_named(table, steps), row=row, steps=steps, given=False, wide=True)

    def _steps(self, asked: Asked, table: OnlineTable, faults: list[Fault]) -> Sequence[int]:
        if asked.dates is None and asked.ds is None:
            horizon = asked.horizon or table.horizon
            if horizon > table.horizon:
                faults.append(
                    (asked.place("horizon"), f"is {horizon}; {self.name} answers {table.horizon} periods ahead")
                )
            return range(min(horizon, table.horizon))
        wanted = asked.dates if asked.dates is not None else (asked.ds or "",)
        name, known = "ds" if asked.dates is None else "dates", table.step_of
        for one in wanted:
            if one not in known:
                ends = f"{table.about.ds[0]} to {table.about.ds[-1]}"
                faults.append((asked.place(name), f"names {one!r}; {self.name} answers {ends}"))
        return [known[one] for one in wanted if one in known]

    def _check_windows(self, asked: Asked, row: int, table: OnlineTable, faults: list[Fault]) -> None:
        if isinstance(asked.windows, tuple) and "windows" in table.arrays:
            has = table.arrays["windows"][row].tolist()
            missing = [one for one in asked.windows if one not in has]
            if missing:
                known = ", ".join(map(str, has))
                faults.append((asked.place("windows"), f"asks for {missing[0]} periods; this series has {known}"))

    def _windows(self, plan: Plan) -> list[dict[str, Any]]:
        assert self.table is not None
        arrays, about = self.table.arrays, self.table.about
        has: list[int] = arrays["windows"][plan.row].tolist()
        wanted = has if plan.asked.windows is True else list(plan.asked.windows or ())
        method = about.methods[int(arrays["methods"][plan.row])] if about.methods else None
        return [
            {
                "periods": one,
                "mean": arrays["window_mean"][plan.row, at],
                "quantiles": {
                    f"q{level:g}": arrays["window_values"][plan.row, at, place]
                    for place, level in enumerate(about.window_levels)
                },
                "method": method,
            }
            for one in wanted
            for at in [has.index(one)]
        ]

    def _unknown(self, unique_id: str, table: OnlineTable) -> str:
        told = repr(unique_id) if len(unique_id) <= 60 else f"{unique_id[:57]!r}..."
        return f"{told} is none of the {len(table.ids)} series known to {self.name} at {table.about.cutoff}"


def _named(table: OnlineTable, steps: Sequence[int]) -> list[str | None]:
    return [table.about.ds[at] for at in steps]
