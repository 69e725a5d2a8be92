"""Parity: hold what the endpoint looked up and answered against what batch said or used at the same cutoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from finalmile.monitoring.checks.parity import ParityCheck
from finalmile.ports import Lake
from finalmile.predictions.record import ANSWERED
from finalmile.records import Finding, Version
from finalmile.serving.online import OnlineTable
from finalmile.workflows.endpoint import TABLES
from finalmile.workflows.rescore import signature_of
from finalmile.workflows.seal import PREDICTIONS, last_seal
from finalmile.workflows.shop import Shop
from finalmile.workflows.watching.seen import Told


class Offline(Protocol):
    """What is known of a version at a cutoff without the endpoint."""

    def __call__(self, version: Version, cutoff: date, /) -> pl.DataFrame | None:
        """``unique_id``, ``ds`` (where values depend on the period) and a column per value; ``None`` if unknown."""
        ...


@dataclass(frozen=True, slots=True)
class LoggedForecasts:
    """What batch logged of a version at a cutoff: ``unique_id, ds, mean`` and its quantiles."""

    shop: Shop

    def __call__(self, version: Version, cutoff: date, /) -> pl.DataFrame | None:
        """The forecast as it was logged."""
        period = self.shop.frequency.index_of(cutoff)
        told = self.shop.forecasts.told(version.model, period, version=version.number)
        return None if told is None else told.to_frame().drop("cutoff")


@dataclass(frozen=True, slots=True)
class FeatureTables:
    """The features that were materialised for a version at a cutoff, by the function that training used."""

    folder: Path

    def __call__(self, version: Version, cutoff: date, /) -> pl.DataFrame | None:
        """The table as a long frame."""
        folder = self.folder / TABLES / version.model / str(version.number) / cutoff.isoformat()
        if not folder.is_dir():
            return None
        table = OnlineTable.open(folder)
        return _long(table) if table.about.kind == "features" else None


def look(
    shop: Shop, lake: Lake, model: str, *, features: Sequence[Offline], answers: Sequence[Offline], rows: int = 20_000
) -> Told:
    """Compare what was sealed since the last look; a disagreement names the version.

    Only what the endpoint looked up is compared: features that a caller gave are the caller's. The same rows again
    are not looked at.

    Parameters
    ----------
    features, answers
        Where features, and answers of versions that have none, are known offline; the first that knows counts.
    rows
        At most so many, drawn by a hash of their ids.
    """
    upto = last_seal(shop.ledger)
    logged = _logged(lake, model, after=int(shop.ledger.load_state(_key(model)) or b"0"), upto=upto, rows=rows)
    if logged is None or logged.is_empty():
        return Told()
    findings = [
        _finding(shop, shop.ledger.version(model, int(number)), part, features=features, answers=answers)
        for (number,), part in logged.sort("version").group_by("version", maintain_order=True)
    ]
    return Told(findings=tuple(findings), states={_key(model): str(upto).encode()})


def _logged(lake: Lake, model: str, *, after: int, upto: int, rows: int) -> pl.DataFrame | None:
    sealed = lake.scan(PREDICTIONS)
    if not sealed.collect_schema():
        return None
    mine = sealed.filter(
        pl.col("seal").is_between(after + 1, upto),
        pl.col("model") == model,
        pl.col("role").is_in(ANSWERED),
        pl.col("outcome") == "ok",
        ~pl.col("given"),
        pl.col("unique_id").is_not_null(),
        pl.col("cutoff").is_not_null(),
    ).collect()
    return mine if mine.height <= rows else mine.sort(pl.col("prediction_id").hash(0)).head(rows)


def _finding(
    shop: Shop, version: Version, rows: pl.DataFrame, *, features: Sequence[Offline], answers: Sequence[Offline]
) -> Finding:
    signature = signature_of(version, shop.artefacts)
    names = () if signature is None else signature.names
    with_features = rows.filter(pl.col("features").list.len() == len(names)) if names else rows.clear()
    without = rows.filter(pl.col("features").is_null())
    answered = ["mean", *(name for name in without.columns if name.startswith("q0."))]
    wide = with_features.with_columns(pl.col("features").list.get(at).alias(name) for at, name in enumerate(names))
    pairs = [
        *_pairs(version, wide, names, features),
        *_pairs(version, without, answered, answers),
    ]
    shared = [name for name in (*names, *answered) if any(name in left.columns for left, _ in pairs)]
    logged, offline = (_stacked([pair[side] for pair in pairs], shared) for side in (0, 1))
    return ParityCheck().compare(logged, offline, names=shared, subject=str(version), at=shop.clock.now())


def _pairs(
    version: Version, rows: pl.DataFrame, names: Sequence[str], sources: Sequence[Offline]
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """Logged and offline values of the same rows, for every cutoff that is known offline."""
    found: list[tuple[pl.DataFrame, pl.DataFrame]] = []
    for part in rows.partition_by("cutoff", maintain_order=True):
        cutoff: date = part["cutoff"][0]
        offline = next((told for one in sources if (told := one(version, cutoff)) is not None), None)
        if offline is not None:
            shared = [name for name in names if name in offline.columns and part[name].null_count() < part.height]
            by = ["unique_id", "ds"] if "ds" in offline.columns else ["unique_id"]
            beside = part.select(by).join(
                offline.select(*by, *shared).with_columns(pl.col(by[1:]).cast(part.schema["ds"])),
                on=by,
                how="left",
                maintain_order="left",
            )
            found.append((part.select(shared), beside.select(shared)))
    return found


def _stacked(frames: Sequence[pl.DataFrame], names: Sequence[str]) -> NDArray[np.float64]:
    if not frames or not names:
        return np.empty((0, len(names)))
    whole = pl.concat(frames, how="diagonal_relaxed").select(pl.col(name).cast(pl.Float64) for name in names)
    return whole.fill_null(float("nan")).to_numpy()


def _long(table: OnlineTable) -> pl.DataFrame:
    values, names = np.asarray(table.arrays["values"], dtype=np.float64), table.about.names
    ids = pl.Series("unique_id", table.ids, dtype=pl.String)
    if values.ndim == 2:
        return pl.DataFrame(values, schema=list(names)).insert_column(0, ids)
    n, horizon, width = values.shape
    flat = pl.DataFrame(values.reshape(n * horizon, width), schema=list(names))
    stamps = pl.Series("ds", list(table.about.ds) * n).str.to_datetime(time_unit="us", strict=False)
    days = pl.Series("ds", list(table.about.ds) * n).str.to_date(strict=False)
    ds = days if days.null_count() == 0 else stamps
    repeated = ids.to_frame().select(pl.col("unique_id").repeat_by(horizon).explode()).to_series()
    return flat.insert_column(0, repeated).insert_column(1, ds)


def _key(model: str) -> str:
    return f"parity/{model}"
