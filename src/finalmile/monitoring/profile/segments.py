"""Every product by itself, all at once: how far each feature moved, and how good its forecasts were."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from finalmile.frames import IntArray
from finalmile.monitoring.engine.design import Doubles
from finalmile.monitoring.profile.grouping import Ragged, Segments, batches
from finalmile.monitoring.profile.profile import series_of

_MEAN_OF_KOLMOGOROV = math.sqrt(math.pi / 2) * math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentReference:
    """Features of every segment of a reference, sorted once.

    Parameters
    ----------
    segment
        Column that says which segment a row is of.
    names
        The segments.
    rows : array of shape (s,)
        Rows of each.
    features
        Ascending finite values of each feature by segment.
    """

    segment: str
    names: pl.Series
    rows: IntArray
    features: dict[str, Ragged]

    @classmethod
    def of(cls, data: Any, *, segment: str, features: Sequence[str]) -> SegmentReference:
        """From anything that can be profiled; it must fit into memory.

        Examples
        --------
        >>> data = {"product": ["a", "b", "a"], "price": [3.0, 1.0, 2.0]}
        >>> SegmentReference.of(data, segment="product", features=["price"]).features["price"].values
        array([2., 3., 1.])
        """
        frame = series_of(data, [segment, *features])
        segments = Segments.of(frame.get_column(segment))
        return cls(
            segment=segment,
            names=segments.names,
            rows=np.diff(segments.starts),
            features={name: segments.ragged(frame.get_column(name)).sorted() for name in features},
        )

    def save(self, path: str | Path) -> Path:
        """Write one file, ``*.npz``, without pickle; gives its path."""
        names = self.names.cast(pl.String).to_list()
        header = {"segment": self.segment, "dtype": str(self.names.dtype), "names": names}
        arrays: dict[str, Any] = {"rows": self.rows, "header": np.frombuffer(json.dumps(header).encode(), np.uint8)}
        for name, values in self.features.items():
            arrays |= {f"starts/{name}": values.starts, f"values/{name}": values.values}
        out = io.BytesIO()
        np.savez(out, **arrays)
        Path(path).write_bytes(out.getvalue())
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> SegmentReference:
        """The inverse of :meth:`save`."""
        with np.load(path, allow_pickle=False) as stored:
            header = json.loads(stored["header"].tobytes())
            features = {
                name.removeprefix("values/"): Ragged(
                    starts=stored[name.replace("values/", "starts/", 1)], values=stored[name]
                )
                for name in stored.files
                if name.startswith("values/")
            }
            rows = stored["rows"]
        names = pl.Series("segment", header["names"], dtype=pl.String)
        if header["dtype"] != "String":
            names = names.cast(getattr(pl, header["dtype"], pl.String), strict=False)
        return cls(segment=header["segment"], names=names, rows=rows, features=features)


def by_segment(
    reference: SegmentReference, current: Any, *, actual: str | None = None, forecast: str | None = None
) -> pl.DataFrame:
    r"""One row for each segment: exact KS of every feature, and errors of the forecast.

    KS is the exact two-sample statistic over finite values, null where a side has none. Errors count rows with both
    an actual and a forecast: ``mae``, ``rmse``, ``bias`` (forecast less actual) and ``wape``, which is null where
    nothing was sold. None of this is an alarm: among 30,000 products, many are far apart by chance; ``ks_chance`` is
    what a product without any change shows on average.

    Parameters
    ----------
    reference
        Sorted once, and saved.
    current
        Anything that can be profiled, with the segment column and the features; it must fit into memory.
    actual, forecast
        Columns of what came true and what was forecast; no errors without them.

    Returns
    -------
    polars.DataFrame
        Sorted by segment: the segment, ``n_reference``, ``n``, ``ks_<feature>``, ``ks_chance``, and the errors.

    Examples
    --------
    >>> before = SegmentReference.of({"id": ["a", "a"], "x": [1.0, 2.0]}, segment="id", features=["x"])
    >>> now = {"id": ["a", "a", "b"], "x": [2.0, 3.0, 1.0], "y": [0.0, 4.0, 0.0], "f": [1.0, 3.0, 0.0]}
    >>> told = by_segment(before, now, actual="y", forecast="f")
    >>> told.select("id", "n", "ks_x", "wape").rows()
    [('a', 2, 0.5, 0.5), ('b', 1, None, None)]
    """
    judged = [actual, forecast] if actual is not None and forecast is not None else []
    features = list(reference.features)
    frame = series_of(current, list(dict.fromkeys([reference.segment, *features, *judged])))
    segments = Segments.of(frame.get_column(reference.segment))
    pairs = _matched(reference.names, segments.names)
    theirs, ours = (pairs.get_column(side).to_numpy() for side in ("theirs", "ours"))
    n_reference, n = _at(reference.rows, theirs), _at(np.diff(segments.starts), ours)
    out = pairs.select(pl.col("segment").alias(reference.segment)).with_columns(
        pl.Series("n_reference", n_reference), pl.Series("n", n)
    )
    ks = [
        pl.Series(f"ks_{name}", _ks(reference.features[name], segments.ragged(frame.get_column(name)), theirs, ours))
        for name in features
    ]
    with np.errstate(divide="ignore"):
        chance = _MEAN_OF_KOLMOGOROV * np.sqrt(1 / n_reference + 1 / n)
    out = out.with_columns(*ks, pl.Series("ks_chance", np.where(np.isfinite(chance), chance, np.nan)))
    if judged:
        out = out.with_columns(*_errors(frame, segments, judged[0], judged[1], ours))
    return out.with_columns(pl.selectors.float().fill_nan(None)).sort(reference.segment)


def _matched(reference: pl.Series, current: pl.Series) -> pl.DataFrame:
    """All segments of both, with their places in each; -1 where a side has not got one."""
    before = pl.DataFrame({"segment": reference, "theirs": np.arange(len(reference))})
    now = pl.DataFrame({"segment": current, "ours": np.arange(len(current))})
    both = before.join(now, on="segment", how="full", coalesce=True, nulls_equal=True)
    return both.with_columns(pl.col("theirs", "ours").fill_null(-1))


def _at(counts: IntArray, places: IntArray) -> IntArray:
    held = np.append(counts, 0).astype(np.int64)
    return held[places]


def _ks(reference: Ragged, current: Ragged, theirs: IntArray, ours: IntArray) -> Doubles:
    """Exact statistics of pairs of segments, shape (p,); NaN where a side is empty."""
    n, m = _at(reference.counts, theirs), _at(current.counts, ours)
    out = np.full(len(theirs), np.nan)
    for rows, width in batches(np.where((n > 0) & (m > 0), np.maximum(n, m), 0)):
        before, now = reference.padded(theirs[rows], width), current.padded(ours[rows], width)
        out[rows] = _ks_block(before, np.sort(now, axis=1), n[rows], m[rows])
    return out


def _ks_block(reference: Doubles, current: Doubles, n: IntArray, m: IntArray) -> Doubles:
    """Statistics of rows of two sorted matrices that are padded with infinity, shape (r,).

    Counts up to each place of the pooled order, in whole numbers, so that equal distances are equal.
    """
    pooled = np.concatenate([reference, current], axis=1)
    order = np.argsort(pooled, axis=1)
    values = np.take_along_axis(pooled, order, axis=1)
    small = int((n + m).max()) < 30_000
    seen = np.cumsum(order < reference.shape[1], axis=1, dtype=np.int16 if small else np.int64)
    kind: np.dtype[np.signedinteger] = np.dtype(np.int32 if small else np.int64)
    place = np.arange(1, pooled.shape[1] + 1, dtype=kind)
    away = np.abs(seen * (n + m).astype(kind)[:, None] - place * n.astype(kind)[:, None])
    away[:, :-1] *= values[:, 1:] != values[:, :-1]
    if not ((n + m) == pooled.shape[1]).all():
        away *= place <= (n + m)[:, None]
    distance: Doubles = away.max(axis=1) / (n * m)
    return distance


def _errors(frame: pl.DataFrame, segments: Segments, actual: str, forecast: str, ours: IntArray) -> list[pl.Series]:
    y, f = (segments.gathered(frame.get_column(name)) for name in (actual, forecast))
    miss = f - y
    known = np.isfinite(miss)
    if not known.all():
        miss, y = np.where(known, miss, 0.0), np.where(known, y, 0.0)
    size = np.abs(miss)
    n, total, squares, signed, sold = (
        np.append(segments.sums(x), 0.0)[ours] for x in (known.astype(float), size, miss * miss, miss, np.abs(y))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        told = {
            "mae": total / n,
            "wape": np.where(sold > 0, total / sold, np.nan),
            "rmse": np.sqrt(squares / n),
            "bias": signed / n,
        }
    return [pl.Series(name, values) for name, values in told.items()]
