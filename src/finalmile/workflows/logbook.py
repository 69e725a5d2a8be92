"""Forecasts as they were issued, kept in the lake: one segment per version and cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from finalmile.frames import Cumulative, FloatArray, Forecast, Frequency, IntArray, NameArray
from finalmile.ports import Lake
from finalmile.records import Version
from finalmile.workflows.shop import Issued, Known

FORECASTS, CUMULATIVE = "forecasts", "cumulative"


@dataclass(frozen=True, slots=True)
class LakeLog:
    """The forecast log of a project."""

    lake: Lake
    known: Known

    @property
    def frequency(self) -> Frequency:
        """Length of a period."""
        return self.known.frequency

    def put(self, version: Version, forecast: Forecast, *, issued_at: datetime) -> bool:
        """Keep a forecast; the same version and cutoff again changes nothing, and gives False."""
        cutoff = str(self.frequency.start_of(forecast.cutoff))
        tags = {"model": version.model, "cutoff": cutoff}
        frames = {FORECASTS: forecast.to_frame(), CUMULATIVE: forecast.cumulative_frame()}
        kept: list[bool] = []
        for table, frame in frames.items():
            stamped = frame.with_columns(
                pl.lit(version.model).alias("model"),
                pl.lit(version.number).cast(pl.Int64).alias("version"),
                pl.lit(issued_at).alias("issued_at"),
            )
            if stamped.height:
                kept.append(self.lake.append(table, stamped, writer=f"{version}/{cutoff}", sequence=0, tags=tags))
        return all(kept)

    def issues(self, model: str, cutoff: int) -> dict[int, datetime]:
        """When each version forecast from exactly this cutoff, by its number."""
        found = self._scan(FORECASTS, model, cutoff)
        if not found.collect_schema():
            return {}
        rows = found.select("version", "issued_at").unique().sort("version").collect()
        return dict(zip(rows["version"].to_list(), rows["issued_at"].to_list(), strict=True))

    def told(self, model: str, cutoff: int, *, version: int) -> Forecast | None:
        """What a version forecast from exactly this cutoff, windows included."""
        rows = self._rows(FORECASTS, model, cutoff, version)
        if rows.is_empty():
            return None
        rows = rows.sort("unique_id", "ds")
        ids: NameArray = rows["unique_id"].unique(maintain_order=True).to_numpy().astype(object)
        levels = {float(name[1:]): name for name in rows.columns if name.startswith("q0.")}
        return Forecast(
            ids=ids,
            frequency=self.frequency,
            cutoff=cutoff,
            mean=_wide(rows["mean"], len(ids)),
            quantiles={level: _wide(rows[name], len(ids)) for level, name in levels.items()},
            cumulative=_cumulative(self._rows(CUMULATIVE, model, cutoff, version), len(ids)),
        )

    def issued(self, model: str, period: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast of one period from a cutoff; ``None`` where that did not reach so far."""
        mine = (pl.col("version") == version) & (pl.col("ds") == self.frequency.start_of(period))
        found = self._scan(FORECASTS, model, cutoff)
        due = found.filter(mine).collect() if found.collect_schema() else pl.DataFrame()
        return None if due.is_empty() else _issued(due.sort("unique_id"), cutoff)

    def longest_windows(self, model: str, cutoff: int, *, version: int) -> Sequence[int]:
        """Lengths that the longest windows of series have in a forecast, each once; empty where none were forecast."""
        found = self._scan(CUMULATIVE, model, cutoff)
        if not found.collect_schema():
            return ()
        longest = found.filter(pl.col("version") == version).group_by("unique_id").agg(pl.col("window").max())
        lengths: list[int] = longest.select(pl.col("window").unique().sort()).collect()["window"].to_list()
        return lengths

    def over(self, model: str, window: int, *, cutoff: int, version: int) -> Issued | None:
        """What a version forecast from a cutoff of so many periods together, of series whose longest window that is."""
        found = self._scan(CUMULATIVE, model, cutoff)
        if not found.collect_schema():
            return None
        rows = (
            found.filter(pl.col("version") == version)
            .select("unique_id", "window", "level", "value", "mean")
            .filter(pl.col("window").max().over("unique_id") == window, pl.col("window") == window)
            .unique(["unique_id", "level"])
            .sort("unique_id", "level")
            .collect()
        )
        return None if rows.is_empty() else _over(rows, cutoff=cutoff, version=version)

    def _rows(self, table: str, model: str, cutoff: int, version: int) -> pl.DataFrame:
        found = self._scan(table, model, cutoff)
        return found.filter(pl.col("version") == version).collect() if found.collect_schema() else pl.DataFrame()

    def _scan(self, table: str, model: str, cutoff: int) -> pl.LazyFrame:
        return self.lake.scan(table, tags={"model": model, "cutoff": str(self.frequency.start_of(cutoff))})


def _issued(due: pl.DataFrame, cutoff: int) -> Issued:
    return Issued(
        ids=due["unique_id"].to_numpy().astype(object),
        mean=due["mean"].cast(pl.Float32).to_numpy(),
        version=int(due["version"][0]),
        cutoff=cutoff,
        quantiles={
            float(name[1:]): due[name].cast(pl.Float32).fill_null(np.nan).to_numpy()
            for name in due.columns
            if name.startswith("q0.")
        },
    )


def _over(rows: pl.DataFrame, *, cutoff: int, version: int) -> Issued:
    wide = rows.pivot("level", index=["unique_id", "mean"], values="value", sort_columns=True)
    return Issued(
        ids=wide["unique_id"].to_numpy().astype(object),
        mean=wide["mean"].cast(pl.Float32).to_numpy(),
        version=version,
        cutoff=cutoff,
        quantiles={float(name): wide[name].cast(pl.Float32).to_numpy() for name in wide.columns[2:]},
    )


def _cumulative(rows: pl.DataFrame, n: int) -> Cumulative | None:
    """Windows of each series in ascending order; one with fewer than others repeats its longest."""
    if rows.is_empty() or n == 0:
        return None
    rows = rows.unique(["unique_id", "window", "level"]).sort("unique_id", "window", "level")
    levels = tuple(sorted(rows["level"].unique().to_list()))
    first = rows.gather_every(len(levels))
    count: IntArray = first.group_by("unique_id", maintain_order=True).len()["len"].to_numpy().astype(np.int64)
    begin: IntArray = np.cumsum(count) - count
    column: IntArray = np.arange(int(count.max()), dtype=np.int64)
    at: IntArray = begin[:, None] + np.minimum(column, count[:, None] - 1)
    values = rows["value"].cast(pl.Float32).to_numpy().reshape(-1, len(levels))
    return Cumulative(
        windows=first["window"].to_numpy().astype(np.int64)[at],
        mean=first["mean"].cast(pl.Float32).to_numpy()[at],
        levels=levels,
        values=values[at],
        methods=first["method"].to_numpy().astype(object)[at[:, 0]],
        calibration_id=str(rows["calibration_id"][0]),
    )


def _wide(values: pl.Series, n: int) -> FloatArray:
    return values.cast(pl.Float32).to_numpy().reshape(n, -1)
