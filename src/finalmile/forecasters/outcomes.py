"""Past forecasts beside what came: the rows that calibration learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from finalmile.forecasters.levels import recent_level, recent_spread
from finalmile.forecasters.point import PointModel, WindowModel
from finalmile.forecasters.sold_out import drawn_and_hidden, mostly_seen
from finalmile.frames import BoolArray, FloatArray, IntArray, NameArray, Panel, same_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """One row per series, origin and target.

    Parameters
    ----------
    unique_id, origin : arrays of shape (m,)
        Whose forecast, and period number of its cutoff.
    window : array of shape (m,)
        Length of the window; for a single period, how many periods after the origin it is.
    whole : array of shape (m,)
        True for demand over the whole window, False for the single period at its end.
    actual, mean, level, spread : arrays of shape (m,)
        Demand that came, its forecast, and mean and standard deviation of recent demand per period at the origin.
    quantiles : array of shape (m, k)
        What a window model said, one column per trained level; ``k`` is 0 without one.
    """

    unique_id: NameArray
    origin: IntArray
    window: IntArray
    whole: BoolArray
    actual: FloatArray
    mean: FloatArray
    level: FloatArray
    spread: FloatArray
    quantiles: FloatArray

    def __len__(self) -> int:
        return len(self.origin)

    def take(self, rows: IntArray | BoolArray) -> Outcomes:
        """Some of the rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def newest(self, origins: int) -> Outcomes:
        """Rows of the newest ``origins`` origins of each target only."""
        target = self.window * 2 + self.whole
        keep = np.zeros(len(self), dtype=np.bool_)
        for one in np.unique(target):
            of_target = target == one
            recent = np.unique(self.origin[of_target])[-origins:]
            keep |= of_target & np.isin(self.origin, recent)
        return self.take(keep)

    def to_frame(self, levels: Sequence[float]) -> pl.DataFrame:
        """The rows as a table, quantiles as ``q0.98`` and so on."""
        columns: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "quantiles"}
        columns["unique_id"] = pl.Series(self.unique_id, dtype=pl.String)
        columns |= {f"q{level!r}": self.quantiles[:, at] for at, level in enumerate(levels)}
        return pl.DataFrame(columns)

    @classmethod
    def from_frame(cls, frame: pl.DataFrame, levels: Sequence[float]) -> Outcomes:
        """Rows again from :meth:`to_frame`."""
        names = [f.name for f in fields(cls) if f.name not in {"quantiles", "unique_id"}]
        quantiles = np.empty((len(frame), len(levels)), dtype=np.float32)
        for at, level in enumerate(levels):
            quantiles[:, at] = frame[f"q{level!r}"].to_numpy()
        ids = frame["unique_id"].to_numpy().astype(object)
        return cls(unique_id=ids, quantiles=quantiles, **{name: frame[name].to_numpy() for name in names})


def join_outcomes(parts: Sequence[Outcomes]) -> Outcomes:
    """Rows of several parts in one; at least one part is needed."""
    return replace(
        parts[0], **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Outcomes)}
    )


def outcomes_at(
    origin: int, panel: Panel, *, model: PointModel, windows: Sequence[int], window_model: WindowModel | None = None
) -> Outcomes:
    """What the model would have said at one origin, beside what came.

    A window that holds an unknown period gives no row, nor does one that ends after the panel. Where the shelf ran
    empty demand is drawn from what may have been behind the sales, around the model's own mean: without such windows,
    which are those in which much was asked for, quantiles would be too low. A window of which more than half was not
    seen on the shelf gives no row.

    Parameters
    ----------
    origin
        Period number; nothing after it but covariates reaches the model.
    """
    columns = origin - panel.first + 1
    reach = max(windows)
    past = panel.at(origin, ahead=reach).last(max(model.history(panel.frequency), 1))
    mean = model.mean(past, horizon=reach)
    demand, hidden = _came(panel, np.flatnonzero(panel.listed_at < columns), first=columns, mean=mean)
    lengths = [window for window in windows if window <= demand.shape[1]]
    asked = same_windows(past.n, lengths)
    quantiles = (
        np.empty((past.n, len(lengths), 0), dtype=np.float32)
        if window_model is None
        else window_model.quantiles(past, asked)
    )
    ends = np.asarray(lengths, dtype=np.int64) - 1
    nothing = np.full((past.n, len(lengths), quantiles.shape[2]), np.nan, dtype=np.float32)
    common = (origin, past, asked)
    whole = _seen(demand.cumsum(axis=1), hidden.cumsum(axis=1))
    return join_outcomes(
        [
            _rows(*common, whole[:, ends], mean.cumsum(axis=1)[:, ends], quantiles, whole=True),
            _rows(*common, _seen(demand, hidden)[:, ends], mean[:, ends], nothing, whole=False),
        ]
    )


def _came(panel: Panel, listed: IntArray, *, first: int, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Demand of the periods from column ``first`` on, drawn where the shelf ran empty, and what is hidden of it."""
    span = slice(first, first + mean.shape[1])
    demand = panel.demand()[listed, span]
    hidden = -np.nan_to_num(demand)
    rows, columns = np.nonzero(panel.censored[listed, span])
    if len(rows):
        told = drawn_and_hidden(panel, mean[rows, columns], rows=listed[rows], columns=first + columns)
        demand[rows, columns], hidden[rows, columns] = told
    return demand, hidden


def _seen(demand: FloatArray, hidden: FloatArray) -> FloatArray:
    return np.where(mostly_seen(hidden), demand, np.float32(np.nan))


def _rows(
    origin: int,
    past: Panel,
    asked: IntArray,
    actual: FloatArray,
    mean: FloatArray,
    quantiles: FloatArray,
    *,
    whole: bool,
) -> Outcomes:
    n, w = asked.shape
    keep = np.isfinite(actual).ravel()
    return Outcomes(
        unique_id=np.repeat(past.ids, w)[keep],
        origin=np.full(int(keep.sum()), origin, dtype=np.int64),
        window=asked.ravel()[keep],
        whole=np.full(int(keep.sum()), whole, dtype=np.bool_),
        actual=actual.ravel()[keep].astype(np.float32),
        mean=mean.ravel()[keep].astype(np.float32),
        level=np.repeat(recent_level(past), w)[keep],
        spread=np.repeat(recent_spread(past), w)[keep],
        quantiles=quantiles.reshape(n * w, quantiles.shape[2])[keep],
    )
