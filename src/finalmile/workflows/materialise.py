"""Materialise: what the endpoint looks up, made by the very functions that batch forecasts with."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from finalmile.forecasters.calibrated import Calibrated
from finalmile.forecasters.registered import Registered
from finalmile.frames import Forecast, Panel
from finalmile.ports import Fitted
from finalmile.records import Version
from finalmile.serving.online import About, OnlineTable, sweep_tables
from finalmile.workflows.endpoint import TABLES
from finalmile.workflows.forecast import predict
from finalmile.workflows.shop import Shop, known_cutoff
from finalmile.workflows.train import load_version


def materialise(
    shop: Shop, version: Version, folder: Path, /, *, cutoff: int | None = None, told: Forecast | None = None
) -> Path | None:
    """Keep what the endpoint looks up for a version at a cutoff; the folder of the table.

    A forecaster's table holds its answers; that of a registered model of rows holds its features, made by the function
    it was registered with. ``None`` for a model of rows without one: its callers give the features.

    Parameters
    ----------
    folder
        The project's folder of what serving keeps.
    cutoff
        By default the newest period that has sales.
    told
        What the version forecast from that cutoff, where it is at hand; it is forecast again where it is not, or does
        not reach the whole horizon.
    """
    cutoff = known_cutoff(shop, cutoff)
    fitted, horizon = load_version(shop, version), shop.horizon(version.model)
    model = _of_rows(fitted)
    if model is not None and model.kept.made_by is None:
        return None
    if model is not None:
        panel = shop.known.panel(cutoff, periods=fitted.needs, ahead=horizon)
        table = _features(shop, version, model, panel, horizon)
    else:
        whole = told is not None and told.horizon >= horizon and told.cumulative is not None
        table = _answers(version, told if whole and told is not None else predict(shop, version, cutoff))
    versions = folder / TABLES / version.model / str(version.number)
    path = versions / table.about.cutoff
    table.write(path)
    sweep_tables(versions)
    return path


def _of_rows(fitted: Fitted) -> Registered | None:
    """The model of rows behind a version; ``None`` for any other forecaster."""
    model = fitted.model if isinstance(fitted, Calibrated) else None
    return model if isinstance(model, Registered) and model.kept.takes == "rows" else None


def _answers(version: Version, told: Forecast) -> OnlineTable:
    frequency = told.frequency
    levels = tuple(sorted(told.quantiles))
    arrays: dict[str, NDArray[Any]] = {"mean": told.mean}
    if levels:
        arrays["quantiles"] = np.stack([told.quantiles[level] for level in levels], axis=2)
    methods: tuple[str, ...] = ()
    cumulative = told.cumulative
    if cumulative is not None:
        names, codes = np.unique(cumulative.methods.astype(str), return_inverse=True)
        methods = tuple(str(name) for name in names)
        arrays |= {
            "windows": cumulative.windows,
            "window_mean": cumulative.mean,
            "window_values": cumulative.values,
            "methods": codes.astype(np.int8),
        }
    about = About(
        model=version.model,
        number=version.number,
        cutoff=_text(frequency.start_of(told.cutoff)),
        kind="answers",
        frequency=frequency.unit,
        ds=tuple(_text(frequency.start_of(told.cutoff + step)) for step in range(1, told.horizon + 1)),
        levels=levels,
        window_levels=() if cumulative is None else cumulative.levels,
        methods=methods,
    )
    return OnlineTable(about=about, ids=[str(one) for one in told.ids], arrays=arrays)


def _features(shop: Shop, version: Version, model: Registered, panel: Panel, horizon: int) -> OnlineTable:
    made = model.features(panel, horizon=horizon)
    names = tuple(name for name in made.columns if name not in ("unique_id", "ds"))
    about = About(
        model=version.model,
        number=version.number,
        cutoff=_text(shop.day(panel.cutoff)),
        kind="features",
        frequency=panel.frequency.unit,
        ds=tuple(_text(shop.day(panel.cutoff + step)) for step in range(1, horizon + 1)),
        names=names,
    )
    values = _spread(made, names, panel, horizon)
    return OnlineTable(about=about, ids=[str(one) for one in panel.ids], arrays={"values": values})


def _spread(made: pl.DataFrame, names: tuple[str, ...], panel: Panel, horizon: int) -> NDArray[Any]:
    """Features as (n, horizon, F), missing values as NaN; in half the space where that changes none of them."""
    rows = {str(one): at for at, one in enumerate(panel.ids)}
    at = np.array([rows.get(str(one), -1) for one in made["unique_id"]], dtype=np.int64)
    ahead = panel.frequency.index(made["ds"].cast(panel.frequency.dtype)) - panel.cutoff - 1
    fits = (at >= 0) & (ahead >= 0) & (ahead < horizon)
    told: NDArray[np.float64] = made.select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy()
    values = np.full((panel.n, horizon, len(names)), np.nan)
    values[at[fits], ahead[fits]] = told[fits]
    half = values.astype(np.float32)
    return half if np.array_equal(half.astype(np.float64), values, equal_nan=True) else values


def _text(day: date) -> str:
    return day.isoformat()
